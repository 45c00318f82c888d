#nullable enable
using System;

namespace Scenewright
{
    /// <summary>Which axes coordinates are given in.</summary>
    public enum Handedness
    {
        /// <summary>Unity: x right, y up, z forward.</summary>
        Left,

        /// <summary>OpenGL, ARKit, ARCore, glTF: x right, y up, z backward.</summary>
        Right,
    }

    /// <summary>A point or an offset, metres.</summary>
    public readonly struct Vec3 : IEquatable<Vec3>
    {
        /// <summary>A vector of its three coordinates, metres.</summary>
        public Vec3(float x, float y, float z)
        {
            X = x;
            Y = y;
            Z = z;
        }

        /// <summary>To the right, metres.</summary>
        public float X { get; }

        /// <summary>Up, metres.</summary>
        public float Y { get; }

        /// <summary>Forward or backward, see <see cref="Handedness"/>; metres.</summary>
        public float Z { get; }

        /// <summary>Metres from the origin.</summary>
        public float Length => MathF.Sqrt(Dot(this, this));

        /// <summary>Whether no coordinate is infinite or not a number.</summary>
        public bool IsFinite => float.IsFinite(X) && float.IsFinite(Y) && float.IsFinite(Z);

        /// <summary>The sum.</summary>
        public static Vec3 operator +(Vec3 a, Vec3 b) => new Vec3(a.X + b.X, a.Y + b.Y, a.Z + b.Z);

        /// <summary>The difference.</summary>
        public static Vec3 operator -(Vec3 a, Vec3 b) => new Vec3(a.X - b.X, a.Y - b.Y, a.Z - b.Z);

        /// <summary>The vector, stretched.</summary>
        public static Vec3 operator *(Vec3 a, float by) => new Vec3(a.X * by, a.Y * by, a.Z * by);

        /// <summary>Whether all coordinates are equal.</summary>
        public static bool operator ==(Vec3 a, Vec3 b) => a.Equals(b);

        /// <summary>Whether some coordinate differs.</summary>
        public static bool operator !=(Vec3 a, Vec3 b) => !a.Equals(b);

        /// <summary>The scalar product.</summary>
        public static float Dot(Vec3 a, Vec3 b) => (a.X * b.X) + (a.Y * b.Y) + (a.Z * b.Z);

        /// <summary>The vector product; in left-handed axes by the left hand.</summary>
        public static Vec3 Cross(Vec3 a, Vec3 b) =>
            new Vec3((a.Y * b.Z) - (a.Z * b.Y), (a.Z * b.X) - (a.X * b.Z), (a.X * b.Y) - (a.Y * b.X));

        /// <summary>The same direction with length 1; zero stays zero.</summary>
        public Vec3 Normalized() => Length > 0 ? this * (1 / Length) : this;

        /// <inheritdoc/>
        public bool Equals(Vec3 other) => X.Equals(other.X) && Y.Equals(other.Y) && Z.Equals(other.Z);

        /// <inheritdoc/>
        public override bool Equals(object? obj) => obj is Vec3 other && Equals(other);

        /// <inheritdoc/>
        public override int GetHashCode() => HashCode.Combine(X, Y, Z);

        /// <inheritdoc/>
        public override string ToString() => FormattableString.Invariant($"({X:g4}, {Y:g4}, {Z:g4})");
    }

    /// <summary>A rotation; of length 1 but for the default, which turns nothing.</summary>
    public readonly struct Quat : IEquatable<Quat>
    {
        /// <summary>A quaternion of its four parts.</summary>
        public Quat(float x, float y, float z, float w)
        {
            X = x;
            Y = y;
            Z = z;
            W = w;
        }

        /// <summary>No rotation.</summary>
        public static Quat None => new Quat(0, 0, 0, 1);

        /// <summary>Part along x.</summary>
        public float X { get; }

        /// <summary>Part along y.</summary>
        public float Y { get; }

        /// <summary>Part along z.</summary>
        public float Z { get; }

        /// <summary>The real part.</summary>
        public float W { get; }

        /// <summary>First b, then a.</summary>
        public static Quat operator *(Quat a, Quat b) => new Quat(
            (a.W * b.X) + (a.X * b.W) + (a.Y * b.Z) - (a.Z * b.Y),
            (a.W * b.Y) - (a.X * b.Z) + (a.Y * b.W) + (a.Z * b.X),
            (a.W * b.Z) + (a.X * b.Y) - (a.Y * b.X) + (a.Z * b.W),
            (a.W * b.W) - (a.X * b.X) - (a.Y * b.Y) - (a.Z * b.Z));

        /// <summary>The vector, turned.</summary>
        public static Vec3 operator *(Quat q, Vec3 v)
        {
            var unit = q.Normalized();
            var axis = new Vec3(unit.X, unit.Y, unit.Z);
            var t = Vec3.Cross(axis, v) * 2;
            return v + (t * unit.W) + Vec3.Cross(axis, t);
        }

        /// <summary>Whether all parts are equal.</summary>
        public static bool operator ==(Quat a, Quat b) => a.Equals(b);

        /// <summary>Whether some part differs.</summary>
        public static bool operator !=(Quat a, Quat b) => !a.Equals(b);

        /// <summary>A turn about an axis, in radians.</summary>
        public static Quat About(Vec3 axis, float radians)
        {
            var unit = axis.Normalized() * MathF.Sin(radians / 2);
            return new Quat(unit.X, unit.Y, unit.Z, MathF.Cos(radians / 2));
        }

        /// <summary>The turn back.</summary>
        public Quat Inverse()
        {
            var unit = Normalized();
            return new Quat(-unit.X, -unit.Y, -unit.Z, unit.W);
        }

        /// <summary>The same with length 1; zero becomes no rotation.</summary>
        public Quat Normalized()
        {
            var length = MathF.Sqrt((X * X) + (Y * Y) + (Z * Z) + (W * W));
            return length > 0 ? new Quat(X / length, Y / length, Z / length, W / length) : None;
        }

        /// <summary>Radians from this turn to the other, 0 to pi.</summary>
        public float AngleTo(Quat other)
        {
            var between = Inverse() * other.Normalized();
            var axis = new Vec3(between.X, between.Y, between.Z).Length;
            return 2 * MathF.Atan2(axis, MathF.Abs(between.W));
        }

        /// <inheritdoc/>
        public bool Equals(Quat other) => X.Equals(other.X) && Y.Equals(other.Y) && Z.Equals(other.Z) && W.Equals(other.W);

        /// <inheritdoc/>
        public override bool Equals(object? obj) => obj is Quat other && Equals(other);

        /// <inheritdoc/>
        public override int GetHashCode() => HashCode.Combine(X, Y, Z, W);

        /// <inheritdoc/>
        public override string ToString() => FormattableString.Invariant($"({X:g4}, {Y:g4}, {Z:g4}, {W:g4})");
    }

    /// <summary>Where something is in the world, metres, and how it is turned.</summary>
    public readonly struct WorldPose : IEquatable<WorldPose>
    {
        /// <summary>A place and a turn.</summary>
        public WorldPose(Vec3 position, Quat rotation)
        {
            Position = position;
            Rotation = rotation;
        }

        /// <summary>The thing's origin in the world, metres.</summary>
        public Vec3 Position { get; }

        /// <summary>From the thing's own axes to the world's.</summary>
        public Quat Rotation { get; }

        /// <summary>Whether place and turn are equal.</summary>
        public static bool operator ==(WorldPose a, WorldPose b) => a.Equals(b);

        /// <summary>Whether place or turn differs.</summary>
        public static bool operator !=(WorldPose a, WorldPose b) => !a.Equals(b);

        /// <summary>A point of the thing's own axes, in the world.</summary>
        public Vec3 ToWorld(Vec3 local) => Position + (Rotation * local);

        /// <summary>A point of the world, in the thing's own axes.</summary>
        public Vec3 ToLocal(Vec3 world) => Rotation.Inverse() * (world - Position);

        /// <summary>
        /// The same pose in axes of the other handedness: z is turned round. It undoes itself.
        /// </summary>
        public WorldPose Mirrored() => new WorldPose(
            new Vec3(Position.X, Position.Y, -Position.Z),
            new Quat(-Rotation.X, -Rotation.Y, Rotation.Z, Rotation.W));

        /// <inheritdoc/>
        public bool Equals(WorldPose other) => Position.Equals(other.Position) && Rotation.Equals(other.Rotation);

        /// <inheritdoc/>
        public override bool Equals(object? obj) => obj is WorldPose other && Equals(other);

        /// <inheritdoc/>
        public override int GetHashCode() => HashCode.Combine(Position, Rotation);

        /// <inheritdoc/>
        public override string ToString() => $"{Position} turned {Rotation}";
    }

    /// <summary>A half line in the world: gaze, a hand or a controller.</summary>
    public readonly struct WorldRay : IEquatable<WorldRay>
    {
        /// <summary>A ray from a point, metres, in a direction of any length but zero.</summary>
        public WorldRay(Vec3 origin, Vec3 direction)
        {
            Origin = origin;
            Direction = direction.Normalized();
        }

        /// <summary>Where it begins, metres.</summary>
        public Vec3 Origin { get; }

        /// <summary>Its direction, of length 1.</summary>
        public Vec3 Direction { get; }

        /// <summary>Whether both parts are equal.</summary>
        public static bool operator ==(WorldRay a, WorldRay b) => a.Equals(b);

        /// <summary>Whether a part differs.</summary>
        public static bool operator !=(WorldRay a, WorldRay b) => !a.Equals(b);

        /// <summary>The point at a distance from the origin, metres.</summary>
        public Vec3 At(float distance) => Origin + (Direction * distance);

        /// <inheritdoc/>
        public bool Equals(WorldRay other) => Origin.Equals(other.Origin) && Direction.Equals(other.Direction);

        /// <inheritdoc/>
        public override bool Equals(object? obj) => obj is WorldRay other && Equals(other);

        /// <inheritdoc/>
        public override int GetHashCode() => HashCode.Combine(Origin, Direction);
    }

    /// <summary>
    /// A pinhole camera in pixels, of an image as it is sent, before it is made upright; pixel (0, 0) is the top left corner.
    /// </summary>
    public sealed record Lens(float Fx, float Fy, float Cx, float Cy, int Width, int Height);
}
