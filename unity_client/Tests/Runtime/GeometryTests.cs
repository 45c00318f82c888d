#nullable enable
using System;
using System.Collections.Generic;
using NUnit.Framework;

namespace Scenewright.Tests
{
    internal sealed class GeometryTests
    {
        private static readonly ImageTurn[] _turns =
            { ImageTurn.None, ImageTurn.Clockwise90, ImageTurn.Clockwise180, ImageTurn.Clockwise270 };

        [Test]
        public void A_turn_and_its_inverse_and_two_turns_do_what_matrices_do()
        {
            var dice = new Dice(1);
            for (var i = 0; i < 200; i++)
            {
                var (a, b, v) = (dice.Turn(), dice.Turn(), dice.Vector(3));
                Assert.That(((a * b * v) - (a * (b * v))).Length, Is.LessThan(1e-4f));
                Assert.That(((a.Inverse() * (a * v)) - v).Length, Is.LessThan(1e-4f));
                Assert.That(a.AngleTo(a * Quat.About(new Vec3(1, 2, 3), 0.3f)), Is.EqualTo(0.3f).Within(1e-3));
            }

            Assert.That(((Quat.About(new Vec3(0, 1, 0), MathF.PI / 2) * new Vec3(0, 0, 1)) - new Vec3(1, 0, 0)).Length, Is.LessThan(1e-6f));
        }

        [Test]
        public void A_mirrored_pose_takes_mirrored_points_to_the_mirrored_place()
        {
            var dice = new Dice(2);
            for (var i = 0; i < 200; i++)
            {
                var (pose, local) = (dice.Pose(), dice.Vector(2));
                var world = pose.ToWorld(local);
                var mirrored = pose.Mirrored().ToWorld(new Vec3(local.X, local.Y, -local.Z));
                Assert.That((mirrored - new Vec3(world.X, world.Y, -world.Z)).Length, Is.LessThan(1e-4f));
                Assert.That(pose.Mirrored().Mirrored(), Is.EqualTo(pose));
            }
        }

        [Test]
        public void What_is_lifted_from_an_image_is_seen_where_it_was([ValueSource(nameof(_turns))] ImageTurn turn)
        {
            var dice = new Dice(3);
            foreach (var handedness in new[] { Handedness.Left, Handedness.Right })
            {
                for (var i = 0; i < 100; i++)
                {
                    var lens = new Lens(500, 510, 310, 250, 640, 480);
                    var capture = new Capture("f", dice.Pose(), lens, turn, handedness);
                    var (spot, depth) = (new ImagePoint(dice.Between(0, 1), dice.Between(0, 1)), dice.Between(0.2f, 9));
                    var world = Lifting.At(spot, capture, depth);
                    var seen = Lifting.Project(world, capture)!.Value;
                    Assert.That(seen.X, Is.EqualTo(spot.X).Within(1e-3));
                    Assert.That(seen.Y, Is.EqualTo(spot.Y).Within(1e-3));
                    Assert.That(Lifting.DepthOf(world, capture), Is.EqualTo(depth).Within(1e-3));
                    var ray = Lifting.RayThrough(spot, capture);
                    Assert.That((ray.At((world - ray.Origin).Length) - world).Length, Is.LessThan(1e-3f));
                }
            }
        }

        [Test]
        public void The_same_room_in_other_axes_is_lifted_to_the_mirrored_place()
        {
            var dice = new Dice(4);
            var lens = new Lens(500, 500, 320, 240, 640, 480);
            for (var i = 0; i < 50; i++)
            {
                var pose = dice.Pose();
                var spot = new ImagePoint(dice.Between(0, 1), dice.Between(0, 1));
                var left = Lifting.At(spot, new Capture("f", pose, lens), 2);
                var right = Lifting.At(spot, new Capture("f", pose.Mirrored(), lens, ImageTurn.None, Handedness.Right), 2);
                Assert.That((right - new Vec3(left.X, left.Y, -left.Z)).Length, Is.LessThan(1e-4f));
            }
        }

        [Test]
        public void A_box_in_an_image_has_a_size_in_the_world()
        {
            var capture = new Capture("f", new WorldPose(default, Quat.None), new Lens(500, 500, 320, 240, 640, 480));
            var middle = Lifting.BoxAt(new ImageBox(0.25f, 0.25f, 0.5f, 0.5f), capture, 2, out var width, out var height);
            Assert.That((middle - new Vec3(0, 0, 2)).Length, Is.LessThan(1e-5f));
            Assert.That(width, Is.EqualTo(320f / 500 * 2).Within(1e-5));
            Assert.That(height, Is.EqualTo(240f / 500 * 2).Within(1e-5));
        }

        [Test]
        public void The_box_around_meshes_holds_all_of_them_and_no_more()
        {
            var dice = new Dice(5);
            for (var i = 0; i < 200; i++)
            {
                var meshes = new List<MeshBounds>();
                for (var n = dice.Below(3) + 1; n > 0; n--)
                {
                    // Two nested transforms: scaled (mirrored too) and turned, then again: they shear.
                    var map = Nest(Transform(dice), Transform(dice));
                    meshes.Add(new MeshBounds(dice.Vector(1), new Vec3(dice.Between(0, 2), dice.Between(0, 2), 1), map));
                }

                var rotation = dice.Turn();
                var pose = ObjectBounds.Around(meshes, rotation, out var extents)!.Value;
                var most = default(Vec3);
                foreach (var mesh in meshes)
                {
                    foreach (var corner in Corners(mesh))
                    {
                        var local = pose.ToLocal(corner);
                        most = new Vec3(Math.Max(most.X, Math.Abs(local.X)), Math.Max(most.Y, Math.Abs(local.Y)), Math.Max(most.Z, Math.Abs(local.Z)));
                    }
                }

                Assert.That(((most * 2) - extents).Length, Is.LessThan(1e-2f));
                Assert.That(Math.Min(extents.X, Math.Min(extents.Y, extents.Z)), Is.GreaterThanOrEqualTo(0));
            }
        }

        [Test]
        public void A_cube_of_one_metre_keeps_its_size_however_its_parent_mirrors_it()
        {
            var mirrored = new AffineMap(new Vec3(-1, 0, 0), new Vec3(0, 2, 0), new Vec3(0, 0, -3), new Vec3(1, 1, 1));
            var pose = ObjectBounds.Around(
                new[] { new MeshBounds(new Vec3(0.5f, 0, 0), new Vec3(1, 1, 1), mirrored) }, Quat.None, out var extents);
            Assert.That(extents, Is.EqualTo(new Vec3(1, 2, 3)));
            Assert.That(pose!.Value.Position, Is.EqualTo(new Vec3(0.5f, 1, 1)));
        }

        [Test]
        public void Nothing_and_what_is_not_finite_has_no_box()
        {
            Assert.That(ObjectBounds.Around(Array.Empty<MeshBounds>(), Quat.None, out _), Is.Null);
            var endless = new AffineMap(new Vec3(float.NaN, 0, 0), default, default, default);
            var mesh = new MeshBounds(default, new Vec3(1, 1, 1), endless);
            Assert.That(ObjectBounds.Around(new[] { mesh }, Quat.None, out var extents), Is.Null);
            Assert.That(extents, Is.EqualTo(default(Vec3)));
        }

        private static AffineMap Transform(Dice dice)
        {
            var (turn, move) = (dice.Turn(), dice.Vector(3));
            return new AffineMap(
                turn * new Vec3(dice.Between(-2, 2), 0, 0),
                turn * new Vec3(0, dice.Between(-2, 2), 0),
                turn * new Vec3(0, 0, dice.Between(-2, 2)),
                move);
        }

        private static AffineMap Nest(AffineMap outer, AffineMap inner)
        {
            var origin = outer.Apply(inner.Origin);
            return new AffineMap(
                outer.Apply(inner.Origin + inner.X) - origin,
                outer.Apply(inner.Origin + inner.Y) - origin,
                outer.Apply(inner.Origin + inner.Z) - origin,
                origin);
        }

        private static IEnumerable<Vec3> Corners(MeshBounds mesh)
        {
            foreach (var x in new[] { -0.5f, 0.5f })
            {
                foreach (var y in new[] { -0.5f, 0.5f })
                {
                    foreach (var z in new[] { -0.5f, 0.5f })
                    {
                        var half = new Vec3(x * mesh.Size.X, y * mesh.Size.Y, z * mesh.Size.Z);
                        yield return mesh.ToWorld.Apply(mesh.Middle + half);
                    }
                }
            }
        }
    }
}
