#nullable enable
using UnityEngine;

namespace Scenewright
{
    /// <summary>Unity's vectors and poses and this package's.</summary>
    public static class UnityConversions
    {
        /// <summary>The same vector.</summary>
        public static Vec3 ToScenewright(this Vector3 vector) => new Vec3(vector.x, vector.y, vector.z);

        /// <summary>The same rotation.</summary>
        public static Quat ToScenewright(this Quaternion turn) => new Quat(turn.x, turn.y, turn.z, turn.w);

        /// <summary>The same pose.</summary>
        public static WorldPose ToScenewright(this Pose pose) =>
            new WorldPose(pose.position.ToScenewright(), pose.rotation.ToScenewright());

        /// <summary>The same ray.</summary>
        public static WorldRay ToScenewright(this Ray ray) =>
            new WorldRay(ray.origin.ToScenewright(), ray.direction.ToScenewright());

        /// <summary>The same vector.</summary>
        public static Vector3 ToUnity(this Vec3 vector) => new Vector3(vector.X, vector.Y, vector.Z);

        /// <summary>The same rotation.</summary>
        public static Quaternion ToUnity(this Quat turn) => new Quaternion(turn.X, turn.Y, turn.Z, turn.W);

        /// <summary>The same ray.</summary>
        public static Ray ToUnity(this WorldRay ray) => new Ray(ray.Origin.ToUnity(), ray.Direction.ToUnity());

        /// <summary>Where a transform is in the world and how it is turned.</summary>
        public static WorldPose WorldPoseOf(Transform transform) =>
            new WorldPose(transform.position.ToScenewright(), transform.rotation.ToScenewright());

        /// <summary>The map of a transform to the world, its parents' scales and turns included.</summary>
        public static AffineMap MapOf(Transform transform)
        {
            var m = transform.localToWorldMatrix;
            return new AffineMap(
                new Vec3(m.m00, m.m10, m.m20),
                new Vec3(m.m01, m.m11, m.m21),
                new Vec3(m.m02, m.m12, m.m22),
                new Vec3(m.m03, m.m13, m.m23));
        }

        /// <summary>The lens of a camera whose picture has so many pixels.</summary>
        public static Lens LensOf(Camera camera, int width, int height)
        {
            var m = camera.projectionMatrix;
            return new Lens(
                m.m00 * width / 2, m.m11 * height / 2, (1 - m.m02) * width / 2, (1 + m.m12) * height / 2, width, height);
        }
    }
}
