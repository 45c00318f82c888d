"""Fine-tuning a bundle on a folder of frames with captions, questions and boxes."""
