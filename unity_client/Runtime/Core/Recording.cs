#nullable enable
using System;

namespace Scenewright
{
    /// <summary>Recorded speech: a file or bare samples. Its bytes must stay as they are while it is sent.</summary>
    public sealed class Recording
    {
        private readonly V1.AudioInput _proto;

        private Recording(V1.AudioInput proto) => _proto = proto;

        internal V1.AudioInput Proto => _proto;

        /// <summary>A WAV, FLAC or OGG file.</summary>
        public static Recording FromFile(ReadOnlyMemory<byte> encoded) => new Recording(Wire.File(encoded));

        /// <summary>16-bit signed little-endian mono samples, 8 000 to 48 000 a second.</summary>
        public static Recording FromPcm(ReadOnlyMemory<byte> samples, int rateHz)
        {
            if (samples.Length == 0 || samples.Length % 2 != 0)
            {
                throw new InvalidInputException($"recording: expected an even number of bytes above 0, got {samples.Length}");
            }

            if (rateHz < 8_000 || rateHz > 48_000)
            {
                throw new InvalidInputException($"recording: expected 8000 to 48000 Hz, got {rateHz}");
            }

            return new Recording(Wire.Samples(samples, rateHz));
        }
    }
}
