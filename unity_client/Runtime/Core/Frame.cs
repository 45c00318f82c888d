#nullable enable
using System;
using System.Collections.Generic;

namespace Scenewright
{
    /// <summary>How bare pixels lie in memory.</summary>
    public enum PixelLayout
    {
        /// <summary>One plane, 3 bytes a pixel.</summary>
        Rgb24,

        /// <summary>One plane, 4 bytes a pixel.</summary>
        Rgba32,

        /// <summary>One plane, 4 bytes a pixel, blue first.</summary>
        Bgra32,

        /// <summary>One plane, 4 bytes a pixel, alpha first.</summary>
        Argb32,

        /// <summary>Y, then U and V interleaved (iOS); or three planes, as Android's camera gives them.</summary>
        Nv12,

        /// <summary>Y, then V and U interleaved (Android).</summary>
        Nv21,

        /// <summary>Y, U and V in planes of their own.</summary>
        I420,
    }

    /// <summary>One plane of bare pixels.</summary>
    /// <param name="Data">Its bytes; they are sent as they lie, without a copy.</param>
    /// <param name="RowStride">Bytes from one row to the next; 0: rows lie close together.</param>
    /// <param name="PixelStride">Bytes from one pixel to the next; 0: pixels lie close together.</param>
    public sealed record PixelPlane(ReadOnlyMemory<byte> Data, int RowStride = 0, int PixelStride = 0);

    /// <summary>
    /// An image and what is known of the camera that took it. Its bytes must stay as they are until <see cref="Release"/> is
    /// called, or the call that takes the frame has ended.
    /// </summary>
    public sealed class Frame
    {
        private Frame()
        {
        }

        /// <summary>Comes back in every annotation of this frame; keep the capture under it.</summary>
        public string FrameId { get; set; } = string.Empty;

        /// <summary>The clockwise turn that makes the image upright.</summary>
        public ImageTurn Turn { get; set; }

        /// <summary>The upright image shows left and right swapped, as a selfie camera's does.</summary>
        public bool Mirrored { get; set; }

        /// <summary>The lens of the image as it is sent.</summary>
        public Lens? Lens { get; set; }

        /// <summary>The camera in the world, at the moment the frame was taken; it belongs to the upright image.</summary>
        public WorldPose? Camera { get; set; }

        /// <summary>The axes of <see cref="Camera"/>.</summary>
        public Handedness Handedness { get; set; }

        /// <summary>
        /// Is called once in a conversation when the bytes are not needed any more: the server has them, or nobody will.
        /// On any thread.
        /// </summary>
        public Action? Release { get; set; }

        internal ReadOnlyMemory<byte>? Encoded { get; private set; }

        internal PixelLayout Layout { get; private set; }

        internal int Width { get; private set; }

        internal int Height { get; private set; }

        internal IReadOnlyList<PixelPlane> Planes { get; private set; } = Array.Empty<PixelPlane>();

        internal bool BottomUp { get; private set; }

        /// <summary>A JPEG, PNG or WebP file.</summary>
        public static Frame FromFile(ReadOnlyMemory<byte> encoded) => new Frame { Encoded = encoded };

        /// <summary>
        /// Bare pixels. <paramref name="bottomUp"/>: the first row of every plane is the lowest, as GPU readbacks give them.
        /// </summary>
        public static Frame FromPixels(
            PixelLayout layout, int width, int height, IReadOnlyList<PixelPlane> planes, bool bottomUp = false)
        {
            _ = planes ?? throw new ArgumentNullException(nameof(planes));
            if (width < 1 || height < 1)
            {
                throw new InvalidInputException($"frame: expected 1 pixel or more each way, got {width} x {height}");
            }

            var (least, most) = layout switch
            {
                PixelLayout.Nv12 => (2, 3),
                PixelLayout.Nv21 => (2, 3),
                PixelLayout.I420 => (3, 3),
                _ => (1, 1),
            };
            if (planes.Count < least || planes.Count > most)
            {
                throw new InvalidInputException($"frame: {layout} has {least} to {most} planes, got {planes.Count}");
            }

            return new Frame { Layout = layout, Width = width, Height = height, Planes = planes, BottomUp = bottomUp };
        }
    }
}
