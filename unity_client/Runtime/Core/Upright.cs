#nullable enable
using System;

namespace Scenewright
{
    /// <summary>The clockwise turn that makes an image upright.</summary>
    public enum ImageTurn
    {
        /// <summary>It is upright.</summary>
        None,

        /// <summary>A quarter turn clockwise.</summary>
        Clockwise90,

        /// <summary>Half a turn.</summary>
        Clockwise180,

        /// <summary>A quarter turn counter-clockwise.</summary>
        Clockwise270,
    }

    /// <summary>Which way up a camera's image is, and what lens it has once it is turned.</summary>
    public static class Upright
    {
        /// <summary>
        /// The turn that makes the image upright, from the map that a renderer uses to show it:
        /// image u = uu * u + uv * v + a constant, image v = vu * u + vv * v + a constant, where (u, v) are fractions of the
        /// screen and of the image, both from the top left corner. <paramref name="mirrored"/>: the upright image shows
        /// left and right swapped. Scale and crop play no part.
        /// </summary>
        public static ImageTurn FromDisplay(float uu, float uv, float vu, float vv, out bool mirrored)
        {
            mirrored = (uu * vv) - (uv * vu) < 0;

            // Down on the screen is (uv, vv) in the image: turning the image clockwise by the result lays that down.
            if (MathF.Abs(vv) >= MathF.Abs(uv))
            {
                return vv >= 0 ? ImageTurn.None : ImageTurn.Clockwise180;
            }

            return uv >= 0 ? ImageTurn.Clockwise90 : ImageTurn.Clockwise270;
        }

        /// <summary>
        /// The same from AR Foundation's display matrix. <paramref name="rowMajor"/>: as it gives it everywhere from 6.0 on, a row
        /// (u, v from the bottom) times the matrix; otherwise a column (u, v from the top), as 5.1 gives it on Android.
        /// </summary>
        public static ImageTurn FromDisplayMatrix(
            float m00, float m01, float m10, float m11, bool rowMajor, out bool mirrored) => rowMajor
            ? FromDisplay(m00, -m10, m01, -m11, out mirrored)
            : FromDisplay(m00, m01, m10, m11, out mirrored);

        /// <summary>The lens of the image after the turn.</summary>
        public static Lens Turn(Lens lens, ImageTurn turn)
        {
            _ = lens ?? throw new ArgumentNullException(nameof(lens));
            var (fx, fy, cx, cy, width, height) = lens;
            return turn switch
            {
                ImageTurn.Clockwise90 => new Lens(fy, fx, height - cy, cx, height, width),
                ImageTurn.Clockwise180 => new Lens(fx, fy, width - cx, height - cy, width, height),
                ImageTurn.Clockwise270 => new Lens(fy, fx, cy, width - cx, height, width),
                _ => lens,
            };
        }

        /// <summary>Where a point of the image as it was sent lies in the upright one; both in fractions from the top left.</summary>
        public static ImagePoint Turn(ImagePoint sent, ImageTurn turn) => turn switch
        {
            ImageTurn.Clockwise90 => new ImagePoint(1 - sent.Y, sent.X),
            ImageTurn.Clockwise180 => new ImagePoint(1 - sent.X, 1 - sent.Y),
            ImageTurn.Clockwise270 => new ImagePoint(sent.Y, 1 - sent.X),
            _ => sent,
        };
    }
}
