#nullable enable
using System;
using System.Threading;

namespace Scenewright.Tests
{
    /// <summary>A clock that runs a thousand times as fast, so that nothing waits for the pace of a voice or of patience.</summary>
    internal sealed class HurriedTime : TimeProvider
    {
        private const int Haste = 1000;

        public override long TimestampFrequency => System.TimestampFrequency / Haste;

        public override long GetTimestamp() => System.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            System.CreateTimer(callback, state, dueTime < TimeSpan.Zero ? dueTime : dueTime / Haste, period);
    }
}
