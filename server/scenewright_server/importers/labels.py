"""Words with which a CLIP names a frame as a whole, where no detector finds a thing in it."""

LABELS = tuple(
    """kitchen|living room|bedroom|bathroom|office|classroom|workshop|garage|staircase|corridor|shop|restaurant|museum
library|church|castle|street|square|bridge|railway station|airport|harbour|park|garden|forest|field|beach|mountain
river|lake|desert|snowy landscape|night sky|mug|teapot|kettle|pan|pot|plate|jug|box|basket|bag|bucket|lamp|candle
painting|poster|statue|mirror|window|door|curtain|carpet|pillow|blanket|shelf|cupboard|drawer|desk|stool|fireplace
radiator|fan|camera|headphones|loudspeaker|microphone|telephone|printer|screen|game controller|guitar|piano|violin
drum|pen|pencil|notebook|letter|map|newspaper|coin|key|ring|watch|glasses|hat|shoe|jacket|shirt|dress|glove|flower
tree|leaf|mushroom|fruit|vegetable|bread|cheese|egg|salad|soup|tea|hammer|screwdriver|saw|drill|ladder|rope|wheel
engine|helmet|toy|doll|dice|chess board|playing card|balloon|flag|rock|fish|insect|butterfly|spider|snake|rabbit
mouse|dinosaur|robot|ship|rocket|tractor|tent|sign|document""".replace("\n", "|").split("|")
)
