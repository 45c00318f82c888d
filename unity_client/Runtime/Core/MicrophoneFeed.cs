#nullable enable
using System;
using System.Buffers;

namespace Scenewright
{
    /// <summary>How the microphone stands.</summary>
    public enum MicrophoneState
    {
        /// <summary>It is not used.</summary>
        Off,

        /// <summary>It is asked for, or its first sound is waited for.</summary>
        Starting,

        /// <summary>What it hears is passed on.</summary>
        Listening,

        /// <summary>A reply is read aloud: silence is passed on in its place.</summary>
        HeldBack,

        /// <summary>It has given nothing but one and the same value for 2 s: muted, or of another app.</summary>
        Flat,

        /// <summary>The user does not allow it.</summary>
        PermissionDenied,

        /// <summary>There is none, or it is gone.</summary>
        DeviceGone,
    }

    /// <summary>
    /// From a microphone's samples to what a conversation takes: mono, at the conversation's rate, in blocks of 40 ms, silent
    /// where the rule forbids to listen. For one thread.
    /// </summary>
    public sealed class MicrophoneFeed
    {
        private const double FlatS = 2;
        private const int BlockMs = 40;
        private readonly ListeningRule _rule;
        private readonly Action<ReadOnlyMemory<byte>> _send;
        private readonly Resampler _resampler;
        private readonly int _fromHz;
        private readonly int _channels;
        private readonly byte[] _block;
        private int _inBlock;
        private float _last = float.NaN;
        private long _sameSamples;

        /// <summary>
        /// A feed from a device's rate and channels. <paramref name="send"/> gets each block; its bytes are used again after it
        /// returns.
        /// </summary>
        public MicrophoneFeed(
            int fromHz, int channels, int toHz, ListeningRule rule, Action<ReadOnlyMemory<byte>> send)
        {
            _rule = rule ?? throw new ArgumentNullException(nameof(rule));
            _send = send ?? throw new ArgumentNullException(nameof(send));
            _resampler = new Resampler(fromHz, toHz);
            (_fromHz, _channels) = (fromHz, Math.Max(1, channels));
            _block = new byte[2 * (toHz * BlockMs / 1000)];
        }

        /// <summary>How the microphone stands, by what came last.</summary>
        public MicrophoneState State { get; private set; } = MicrophoneState.Starting;

        /// <summary>Interleaved samples as the device gives them.</summary>
        public void Push(ReadOnlySpan<float> samples)
        {
            if (samples.Length < _channels)
            {
                return;
            }

            var mono = ArrayPool<float>.Shared.Rent(samples.Length / _channels);
            var made = ArrayPool<float>.Shared.Rent(_resampler.OutputFor(mono.Length + _resampler.DelaySamples));
            var bytes = ArrayPool<byte>.Shared.Rent(2 * made.Length);
            try
            {
                var count = Pcm.ToMono(samples, _channels, mono);
                var listens = _rule.MayListen;
                Watch(mono.AsSpan(0, count), listens);
                if (!listens)
                {
                    mono.AsSpan(0, count).Clear();
                }

                count = _resampler.Process(mono.AsSpan(0, count), made);
                Pcm.ToBytes(made.AsSpan(0, count), bytes);
                Cut(bytes.AsSpan(0, 2 * count));
            }
            finally
            {
                ArrayPool<float>.Shared.Return(mono);
                ArrayPool<float>.Shared.Return(made);
                ArrayPool<byte>.Shared.Return(bytes);
            }
        }

        /// <summary>Send what is left of the last block, at the end of a turn that is pushed to talk.</summary>
        public void Flush()
        {
            if (_inBlock > 0)
            {
                _send(_block.AsMemory(0, _inBlock));
                _inBlock = 0;
            }
        }

        private void Cut(ReadOnlySpan<byte> bytes)
        {
            while (bytes.Length > 0)
            {
                var count = Math.Min(bytes.Length, _block.Length - _inBlock);
                bytes.Slice(0, count).CopyTo(_block.AsSpan(_inBlock));
                bytes = bytes.Slice(count);
                _inBlock += count;
                if (_inBlock == _block.Length)
                {
                    _inBlock = 0;
                    _send(_block);
                }
            }
        }

        private void Watch(ReadOnlySpan<float> mono, bool listens)
        {
            foreach (var sample in mono)
            {
                _sameSamples = sample == _last ? _sameSamples + 1 : 0;
                _last = sample;
            }

            State = _sameSamples >= FlatS * _fromHz ? MicrophoneState.Flat
                : listens ? MicrophoneState.Listening
                : MicrophoneState.HeldBack;
        }
    }
}
