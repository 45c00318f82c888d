#nullable enable
using System;
using System.Collections.Generic;

namespace Scenewright
{
    /// <summary>
    /// The first three rows of a matrix that takes points of a thing's mesh to the world: world = (m * point) + translation.
    /// It may scale, mirror and shear, as nested transforms do.
    /// </summary>
    public readonly struct AffineMap
    {
        /// <summary>The images of the three axes, and of the origin.</summary>
        public AffineMap(Vec3 x, Vec3 y, Vec3 z, Vec3 origin)
        {
            X = x;
            Y = y;
            Z = z;
            Origin = origin;
        }

        /// <summary>Where (1, 0, 0) goes, less the origin's image.</summary>
        public Vec3 X { get; }

        /// <summary>Where (0, 1, 0) goes, less the origin's image.</summary>
        public Vec3 Y { get; }

        /// <summary>Where (0, 0, 1) goes, less the origin's image.</summary>
        public Vec3 Z { get; }

        /// <summary>Where (0, 0, 0) goes.</summary>
        public Vec3 Origin { get; }

        /// <summary>The point's image.</summary>
        public Vec3 Apply(Vec3 point) => Origin + (X * point.X) + (Y * point.Y) + (Z * point.Z);
    }

    /// <summary>One mesh of a thing: the middle and full size of its box in its own axes, and its map to the world.</summary>
    public readonly struct MeshBounds
    {
        /// <summary>A box, `size` wide, around `middle`, taken to the world by `toWorld`.</summary>
        public MeshBounds(Vec3 middle, Vec3 size, AffineMap toWorld)
        {
            Middle = middle;
            Size = size;
            ToWorld = toWorld;
        }

        /// <summary>The box's middle in the mesh's own axes.</summary>
        public Vec3 Middle { get; }

        /// <summary>The box's full size in the mesh's own axes.</summary>
        public Vec3 Size { get; }

        /// <summary>From the mesh's own axes to the world.</summary>
        public AffineMap ToWorld { get; }
    }

    /// <summary>The box of a thing in the world.</summary>
    public static class ObjectBounds
    {
        /// <summary>
        /// The smallest box along the axes of <paramref name="rotation"/> that holds every mesh, whatever scales, turns and
        /// mirrors its parents; null without a mesh or with one that is not finite.
        /// </summary>
        /// <param name="meshes">The thing's meshes.</param>
        /// <param name="rotation">How the thing is turned in the world.</param>
        /// <param name="extents">The box's full width, height and depth, metres; never negative.</param>
        public static WorldPose? Around(IReadOnlyList<MeshBounds> meshes, Quat rotation, out Vec3 extents)
        {
            _ = meshes ?? throw new ArgumentNullException(nameof(meshes));
            var back = rotation.Inverse();
            var low = new Vec3(float.PositiveInfinity, float.PositiveInfinity, float.PositiveInfinity);
            var high = low * -1;
            foreach (var mesh in meshes)
            {
                for (var corner = 0; corner < 8; corner++)
                {
                    var half = new Vec3(
                        mesh.Size.X * ((corner & 1) - 0.5f),
                        mesh.Size.Y * (((corner >> 1) & 1) - 0.5f),
                        mesh.Size.Z * (((corner >> 2) & 1) - 0.5f));
                    var at = back * mesh.ToWorld.Apply(mesh.Middle + half);
                    low = new Vec3(MathF.Min(low.X, at.X), MathF.Min(low.Y, at.Y), MathF.Min(low.Z, at.Z));
                    high = new Vec3(MathF.Max(high.X, at.X), MathF.Max(high.Y, at.Y), MathF.Max(high.Z, at.Z));
                }
            }

            extents = high - low;
            if (meshes.Count == 0 || !low.IsFinite || !high.IsFinite)
            {
                extents = default;
                return null;
            }

            return new WorldPose(rotation * ((low + high) * 0.5f), rotation);
        }
    }
}
