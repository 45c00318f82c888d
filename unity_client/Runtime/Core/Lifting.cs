#nullable enable
using System;

namespace Scenewright
{
    /// <summary>What is known of the camera at the moment in which a frame was taken.</summary>
    /// <param name="FrameId">The frame's name, as annotations give it back.</param>
    /// <param name="Camera">The camera in the world; it belongs to the upright image, as Unity's camera transform does.</param>
    /// <param name="Lens">The lens of the image as it was sent.</param>
    /// <param name="Turn">What makes the image upright.</param>
    /// <param name="Handedness">The axes of <paramref name="Camera"/>.</param>
    public sealed record Capture(
        string FrameId,
        WorldPose Camera,
        Lens Lens,
        ImageTurn Turn = ImageTurn.None,
        Handedness Handedness = Handedness.Left);

    /// <summary>From places in an image to places in the world, by the camera that took the image.</summary>
    public static class Lifting
    {
        /// <summary>The ray on which lies what is seen at a point of the upright image.</summary>
        public static WorldRay RayThrough(ImagePoint point, Capture capture)
        {
            _ = capture ?? throw new ArgumentNullException(nameof(capture));
            return new WorldRay(capture.Camera.Position, capture.Camera.Rotation * InCamera(point, capture, 1));
        }

        /// <summary>
        /// What is seen at a point of the upright image, <paramref name="depth"/> metres away along the camera's axis,
        /// as depth images tell it.
        /// </summary>
        public static Vec3 At(ImagePoint point, Capture capture, float depth)
        {
            _ = capture ?? throw new ArgumentNullException(nameof(capture));
            return capture.Camera.ToWorld(InCamera(point, capture, depth));
        }

        /// <summary>Metres from the camera along its axis to a point of the world; negative behind it.</summary>
        public static float DepthOf(Vec3 world, Capture capture)
        {
            _ = capture ?? throw new ArgumentNullException(nameof(capture));
            return capture.Camera.ToLocal(world).Z * Forward(capture.Handedness);
        }

        /// <summary>Where a point of the world lies in the upright image; null behind the camera.</summary>
        public static ImagePoint? Project(Vec3 world, Capture capture)
        {
            _ = capture ?? throw new ArgumentNullException(nameof(capture));
            var local = capture.Camera.ToLocal(world);
            var depth = local.Z * Forward(capture.Handedness);
            if (depth <= 0)
            {
                return null;
            }

            var lens = Upright.Turn(capture.Lens, capture.Turn);
            return new ImagePoint(
                ((lens.Fx * local.X / depth) + lens.Cx) / lens.Width,
                (lens.Cy - (lens.Fy * local.Y / depth)) / lens.Height);
        }

        /// <summary>
        /// The width and height, metres, of what fills a box of the upright image at a depth, and its middle in the world.
        /// </summary>
        public static Vec3 BoxAt(ImageBox box, Capture capture, float depth, out float width, out float height)
        {
            _ = capture ?? throw new ArgumentNullException(nameof(capture));
            var lens = Upright.Turn(capture.Lens, capture.Turn);
            width = box.Width * lens.Width / lens.Fx * depth;
            height = box.Height * lens.Height / lens.Fy * depth;
            return At(box.Middle, capture, depth);
        }

        private static Vec3 InCamera(ImagePoint point, Capture capture, float depth)
        {
            var lens = Upright.Turn(capture.Lens, capture.Turn);
            return new Vec3(
                ((point.X * lens.Width) - lens.Cx) / lens.Fx * depth,
                (lens.Cy - (point.Y * lens.Height)) / lens.Fy * depth,
                depth * Forward(capture.Handedness));
        }

        private static float Forward(Handedness handedness) => handedness == Handedness.Left ? 1 : -1;
    }
}
