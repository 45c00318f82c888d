using System;
using System.IO;
using System.Threading.Tasks;
using Scenewright;
using Scenewright.Tests;

// Holds a live conversation with the Python server, typed and spoken; exits with 1 if anything is missing.
await using var server = await PythonServer.StartAsync();
using var client = new ScenewrightClient(new ClientSettings { Address = server.Address });
var frame = Frame.FromFile(await File.ReadAllBytesAsync(PythonServer.Example("living_room.jpg")));
frame.FrameId = "f1";
var log = new StringWriter();
var setup = new ConversationSetup { Frame = frame, Turns = TurnTaking.Manual, Log = new ConversationLog(log) };
await using var talk = await client.ConverseAsync(setup);
await talk.SendTextAsync("what do you see");
var typed = await SayAsync(talk);
await talk.StartActivityAsync();
var wave = await File.ReadAllBytesAsync(PythonServer.Example("what_colour_is_the_chair.wav"));
await talk.SendAudioAsync(wave.AsMemory(44));
await talk.EndActivityAsync();
var spoken = await SayAsync(talk);
try
{
    await client.AskAsync(string.Empty);
    return 1;
}
catch (InvalidInputException refused)
{
    Console.WriteLine($"{refused.Reason}: {refused.Message}");
}

return typed.Length > 0 && spoken.Length > 0 && log.ToString().Contains("setupComplete", StringComparison.Ordinal) ? 0 : 1;

static async Task<string> SayAsync(Conversation talk)
{
    var words = string.Empty;
    await foreach (var said in talk.ReadAsync())
    {
        words += (said as Words)?.Text;
        if (said is ResponseEnded)
        {
            Console.WriteLine(words);
            return words;
        }
    }

    return string.Empty;
}
