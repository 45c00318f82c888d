#nullable enable
using System;
using Grpc.Core;

namespace Scenewright
{
    /// <summary>The deadline and the tries of one call; whoever calls does the waiting.</summary>
    internal sealed class Attempts
    {
        private readonly TimeProvider _time;
        private readonly Random _random;
        private readonly double _deadline;
        private int _left;
        private double _backoffS = 0.1;

        public Attempts(ClientSettings settings, Random random)
        {
            _time = settings.Time;
            _random = random;
            _deadline = Clock.Seconds(_time) + settings.Timeout.TotalSeconds;
            _left = settings.MaxAttempts - 1;
        }

        /// <summary>Time until the deadline, at least 0.</summary>
        public TimeSpan Remaining => TimeSpan.FromSeconds(Math.Max(0, _deadline - Clock.Seconds(_time)));

        /// <summary>
        /// The wait before trying again after an error; null if it is final. A try is repeated if the server cannot be
        /// reached or says when to come back, and only if that is before the deadline. Where it does not say, the waits
        /// double from 0.1 s, with jitter.
        /// </summary>
        public TimeSpan? DelayAfter(ScenewrightException error)
        {
            if ((error.RetryAfter == null && error.Status != StatusCode.Unavailable) || _left <= 0)
            {
                return null;
            }

            var wait = error.RetryAfter;
            if (wait == null)
            {
                wait = TimeSpan.FromSeconds(_backoffS * (0.8 + (0.4 * _random.NextDouble())));
                _backoffS *= 2;
            }

            if (wait >= Remaining)
            {
                return null;
            }

            _left--;
            return wait;
        }
    }

    /// <summary>
    /// The waits of a conversation between tries to go on: none at first, then doubling, for as long from the break on as
    /// the server waits.
    /// </summary>
    internal sealed class Patience
    {
        private const double FirstWaitS = 0.1;
        private const double LongestWaitS = 2;
        private readonly Random _random;
        private double? _brokenAt;
        private int _fruitless;

        public Patience(Random random) => _random = random;

        /// <summary>Whether a conversation outlives a connection that ended so.</summary>
        public static bool MayResume(ScenewrightException error)
        {
            if (error.Reason.Length > 0)
            {
                return error.Reason == "DEADLINE_EXCEEDED" || error.Reason == "AUDIO_TOO_FAST" || error.Reason == "OVERLOADED";
            }

            // Without a reason these come from the network, not from the server.
            return error.Status == StatusCode.Unavailable || error.Status == StatusCode.Internal
                || error.Status == StatusCode.Unknown || error.Status == StatusCode.Cancelled;
        }

        /// <summary>A new connection stands.</summary>
        public void Connected() => _brokenAt = null;

        /// <summary>The new connection bears fruit: something came over it.</summary>
        public void Heard() => _fruitless = 0;

        /// <summary>The wait before the next try, from what was known at `now` seconds; null if the conversation is lost.</summary>
        public TimeSpan? DelayAfter(ScenewrightException error, double now, double keptS)
        {
            if (!MayResume(error))
            {
                return null;
            }

            _brokenAt ??= now;
            var waitS = 0.0;
            if (_fruitless > 0)
            {
                waitS = Math.Min(LongestWaitS, FirstWaitS * Math.Pow(2, _fruitless - 1));
                waitS *= 0.8 + (0.4 * _random.NextDouble());
            }

            _fruitless = Math.Min(_fruitless + 1, 10);
            waitS = Math.Max(waitS, error.RetryAfter?.TotalSeconds ?? 0);
            return now + waitS < _brokenAt + keptS ? TimeSpan.FromSeconds(waitS) : (TimeSpan?)null;
        }
    }
}
