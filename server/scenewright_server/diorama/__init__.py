"""The AR scene simulator: what the embedded model is trained and tested on."""
