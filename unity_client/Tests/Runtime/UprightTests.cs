#nullable enable
using NUnit.Framework;

namespace Scenewright.Tests
{
    internal sealed class UprightTests
    {
        private const int Width = 8;
        private const int Height = 6;

        /// <summary>
        /// A screen in each of its four orientations shows a camera's plane by an affine map; the turn that is found must lay
        /// the plane as the screen shows it.
        /// </summary>
        [TestCase(1, 0, 0, 1, ImageTurn.None)]
        [TestCase(0, 1, -1, 0, ImageTurn.Clockwise90)]
        [TestCase(-1, 0, 0, -1, ImageTurn.Clockwise180)]
        [TestCase(0, -1, 1, 0, ImageTurn.Clockwise270)]
        public void A_plane_is_laid_as_the_screen_shows_it(int uu, int uv, int vu, int vv, ImageTurn expected)
        {
            var turn = Upright.FromDisplay(uu * 0.8f, uv * 0.6f, vu * 0.6f, vv * 0.8f, out var mirrored);
            Assert.That(turn, Is.EqualTo(expected));
            Assert.That(mirrored, Is.False);

            // The plane has one bright pixel; look for it on the screen by the map, and in the turned plane.
            for (var row = 0; row < Height; row++)
            {
                for (var column = 0; column < Width; column++)
                {
                    var sent = new ImagePoint((column + 0.5f) / Width, (row + 0.5f) / Height);
                    var onScreen = OnScreen(sent, uu, uv, vu, vv);
                    var turned = Upright.Turn(sent, turn);
                    Assert.That(turned.X, Is.EqualTo(onScreen.X).Within(1e-6));
                    Assert.That(turned.Y, Is.EqualTo(onScreen.Y).Within(1e-6));
                }
            }
        }

        [TestCase(1, 0, 0, 1, ImageTurn.None)]
        [TestCase(0, 1, -1, 0, ImageTurn.Clockwise90)]
        [TestCase(-1, 0, 0, -1, ImageTurn.Clockwise180)]
        [TestCase(0, -1, 1, 0, ImageTurn.Clockwise270)]
        public void Both_forms_of_the_display_matrix_say_the_same(int uu, int uv, int vu, int vv, ImageTurn expected)
        {
            Assert.That(Upright.FromDisplayMatrix(uu, uv, vu, vv, false, out _), Is.EqualTo(expected));

            // Transposed, and with v counted from the bottom of the screen.
            Assert.That(Upright.FromDisplayMatrix(uu, vu, -uv, -vv, true, out _), Is.EqualTo(expected));
        }

        [TestCase(-1, 0, 0, 1, ImageTurn.None)]
        [TestCase(0, 1, 1, 0, ImageTurn.Clockwise90)]
        [TestCase(0, -1, -1, 0, ImageTurn.Clockwise270)]
        [TestCase(1, 0, 0, -1, ImageTurn.Clockwise180)]
        public void A_selfie_cameras_plane_is_mirrored_after_its_turn(int uu, int uv, int vu, int vv, ImageTurn expected)
        {
            Assert.That(Upright.FromDisplay(uu, uv, vu, vv, out var mirrored), Is.EqualTo(expected));
            Assert.That(mirrored, Is.True);
            var sent = new ImagePoint(0.1f, 0.3f);
            var onScreen = OnScreen(sent, uu, uv, vu, vv);
            var turned = Upright.Turn(sent, expected);
            Assert.That(1 - turned.X, Is.EqualTo(onScreen.X).Within(1e-6));
            Assert.That(turned.Y, Is.EqualTo(onScreen.Y).Within(1e-6));
        }

        [TestCase(ImageTurn.None)]
        [TestCase(ImageTurn.Clockwise90)]
        [TestCase(ImageTurn.Clockwise180)]
        [TestCase(ImageTurn.Clockwise270)]
        public void A_turned_lens_sees_the_principal_point_where_it_was(ImageTurn turn)
        {
            var lens = new Lens(500, 400, 300, 200, 640, 480);
            var turned = Upright.Turn(lens, turn);
            var middle = Upright.Turn(new ImagePoint(300f / 640, 200f / 480), turn);
            Assert.That(turned.Cx / turned.Width, Is.EqualTo(middle.X).Within(1e-6));
            Assert.That(turned.Cy / turned.Height, Is.EqualTo(middle.Y).Within(1e-6));
            var sideways = turn == ImageTurn.Clockwise90 || turn == ImageTurn.Clockwise270;
            Assert.That(turned.Fx, Is.EqualTo(sideways ? 400 : 500));
            Assert.That(turned.Width, Is.EqualTo(sideways ? 480 : 640));
        }

        private static ImagePoint OnScreen(ImagePoint sent, int uu, int uv, int vu, int vv)
        {
            // Invert u = uu * s + uv * t about the middles of screen and image.
            var determinant = (uu * vv) - (uv * vu);
            var (u, v) = (sent.X - 0.5f, sent.Y - 0.5f);
            return new ImagePoint(
                (((vv * u) - (uv * v)) / determinant) + 0.5f, (((uu * v) - (vu * u)) / determinant) + 0.5f);
        }
    }
}
