#nullable enable
using System;

namespace Scenewright.Tests
{
    /// <summary>A clock that moves when it is told to. It has no timers.</summary>
    internal sealed class ManualTime : TimeProvider
    {
        private long _ticks = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Pass(double seconds) => _ticks += TimeSpan.FromSeconds(seconds).Ticks;
    }

    /// <summary>Random things for tests, the same each time.</summary>
    internal sealed class Dice
    {
        private readonly Random _random;

        public Dice(int seed) => _random = new Random(seed);

        public int Below(int bound) => _random.Next(bound);

        public float Between(float low, float high) => low + ((high - low) * (float)_random.NextDouble());

        public Vec3 Vector(float reach) => new Vec3(Between(-reach, reach), Between(-reach, reach), Between(-reach, reach));

        public Quat Turn() => Quat.About(Vector(1), Between(0, 6.28f));

        public WorldPose Pose() => new WorldPose(Vector(5), Turn());
    }
}
