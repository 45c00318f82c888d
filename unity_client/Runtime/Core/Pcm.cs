#nullable enable
using System;

namespace Scenewright
{
    /// <summary>Samples as the server takes them: 16-bit signed little-endian mono.</summary>
    public static class Pcm
    {
        /// <summary>Floats in [-1, 1] as 16-bit little-endian samples; what is beyond is clipped, what is no number is 0.</summary>
        public static void ToBytes(ReadOnlySpan<float> samples, Span<byte> bytes)
        {
            for (var i = 0; i < samples.Length; i++)
            {
                var value = float.IsNaN(samples[i]) ? 0 : Math.Clamp(samples[i], -1, 1);
                var sample = (short)Math.Clamp((int)MathF.Round(value * 32768), short.MinValue, short.MaxValue);
                bytes[2 * i] = (byte)sample;
                bytes[(2 * i) + 1] = (byte)(sample >> 8);
            }
        }

        /// <summary>16-bit little-endian samples as floats in [-1, 1).</summary>
        public static void ToFloats(ReadOnlySpan<byte> bytes, Span<float> samples)
        {
            for (var i = 0; i < bytes.Length / 2; i++)
            {
                samples[i] = (short)(bytes[2 * i] | (bytes[(2 * i) + 1] << 8)) / 32768f;
            }
        }

        /// <summary>The mean of each frame of interleaved channels; gives how many mono samples were written.</summary>
        public static int ToMono(ReadOnlySpan<float> interleaved, int channels, Span<float> mono)
        {
            if (channels < 1)
            {
                throw new ArgumentOutOfRangeException(nameof(channels), channels, "channels: expected 1 or more");
            }

            var count = interleaved.Length / channels;
            for (var i = 0; i < count; i++)
            {
                var sum = 0f;
                for (var channel = 0; channel < channels; channel++)
                {
                    sum += interleaved[(i * channels) + channel];
                }

                mono[i] = sum / channels;
            }

            return count;
        }
    }

    /// <summary>
    /// The last samples of a stream, for one writer and one reader on two threads; the oldest are dropped where there is
    /// no room.
    /// </summary>
    public sealed class PcmRing
    {
        private readonly float[] _samples;
        private readonly object _gate = new object();
        private int _start;
        private int _count;

        /// <summary>Room for so many samples.</summary>
        public PcmRing(int capacity)
        {
            _samples = capacity > 0
                ? new float[capacity]
                : throw new ArgumentOutOfRangeException(nameof(capacity), capacity, "capacity: expected 1 or more");
        }

        /// <summary>Samples that can be read.</summary>
        public int Count
        {
            get
            {
                lock (_gate)
                {
                    return _count;
                }
            }
        }

        /// <summary>Samples that were dropped, since the beginning, because nobody read them in time.</summary>
        public long Dropped { get; private set; }

        /// <summary>Append samples.</summary>
        public void Write(ReadOnlySpan<float> samples)
        {
            lock (_gate)
            {
                if (samples.Length > _samples.Length)
                {
                    Dropped += samples.Length - _samples.Length;
                    samples = samples.Slice(samples.Length - _samples.Length);
                }

                var excess = Math.Max(0, _count + samples.Length - _samples.Length);
                Dropped += excess;
                _start = (_start + excess) % _samples.Length;
                _count -= excess;
                var end = (_start + _count) % _samples.Length;
                var first = Math.Min(samples.Length, _samples.Length - end);
                samples.Slice(0, first).CopyTo(_samples.AsSpan(end));
                samples.Slice(first).CopyTo(_samples);
                _count += samples.Length;
            }
        }

        /// <summary>Take the oldest samples out; gives how many there were, at most the span's length.</summary>
        public int Read(Span<float> samples)
        {
            lock (_gate)
            {
                var count = Math.Min(samples.Length, _count);
                var first = Math.Min(count, _samples.Length - _start);
                _samples.AsSpan(_start, first).CopyTo(samples);
                _samples.AsSpan(0, count - first).CopyTo(samples.Slice(first));
                _start = (_start + count) % _samples.Length;
                _count -= count;
                return count;
            }
        }
    }
}
