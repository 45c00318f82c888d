#nullable enable
using System;

namespace Scenewright
{
    /// <summary>
    /// Changes the rate of a stream of samples: a sinc under a Hann window, 16 zero crossings to each side, which cuts off
    /// what the lower of both rates cannot hold. How the stream is cut into blocks changes nothing.
    /// </summary>
    public sealed class Resampler
    {
        private const int Crossings = 16;
        private readonly double _step;
        private readonly double _cutoff;
        private readonly int _reach;
        private float[] _held;
        private int _heldCount;
        private long _heldFrom;
        private long _produced;

        /// <summary>From one rate to another, hertz.</summary>
        public Resampler(int fromHz, int toHz)
        {
            if (fromHz <= 0 || toHz <= 0)
            {
                throw new ArgumentOutOfRangeException(nameof(fromHz), $"rates: expected above 0 Hz, got {fromHz} and {toHz}");
            }

            _step = (double)fromHz / toHz;
            _cutoff = Math.Min(1, 1 / _step);
            _reach = (int)Math.Ceiling(Crossings / _cutoff);
            _held = new float[4 * _reach];
            _heldFrom = -_reach;
            _heldCount = _reach;
        }

        /// <summary>Samples that come out later than they went in, at the rate that goes in.</summary>
        public int DelaySamples => _reach;

        /// <summary>How many samples of room <see cref="Process"/> needs at most for so many.</summary>
        public int OutputFor(int inputCount) => (int)Math.Ceiling(inputCount / _step) + 1;

        /// <summary>Take in samples; write those that can be told already, and give how many.</summary>
        public int Process(ReadOnlySpan<float> input, Span<float> output)
        {
            Hold(input);
            var written = 0;
            while (true)
            {
                var centre = _produced * _step;
                var last = (long)Math.Floor(centre) + _reach;
                if (last >= _heldFrom + _heldCount)
                {
                    return written;
                }

                output[written++] = At(centre);
                _produced++;
            }
        }

        private void Hold(ReadOnlySpan<float> input)
        {
            var needed = (long)Math.Floor(_produced * _step) - _reach;
            var drop = (int)Math.Clamp(needed - _heldFrom, 0, _heldCount);
            _heldCount -= drop;
            _heldFrom += drop;
            if (_heldCount + input.Length > _held.Length)
            {
                var larger = new float[Math.Max(2 * _held.Length, _heldCount + input.Length)];
                Array.Copy(_held, drop, larger, 0, _heldCount);
                _held = larger;
            }
            else
            {
                Array.Copy(_held, drop, _held, 0, _heldCount);
            }

            input.CopyTo(_held.AsSpan(_heldCount));
            _heldCount += input.Length;
        }

        private float At(double centre)
        {
            var sum = 0.0;
            var from = (long)Math.Floor(centre) - _reach + 1;
            for (var i = from; i <= (long)Math.Floor(centre) + _reach; i++)
            {
                var distance = (i - centre) * _cutoff;
                if (Math.Abs(distance) < Crossings)
                {
                    sum += _held[i - _heldFrom] * Kernel(distance);
                }
            }

            return (float)(sum * _cutoff);
        }

        private static double Kernel(double distance)
        {
            var sinc = Math.Abs(distance) < 1e-9 ? 1 : Math.Sin(Math.PI * distance) / (Math.PI * distance);
            return sinc * (0.5 + (0.5 * Math.Cos(Math.PI * distance / Crossings)));
        }
    }
}
