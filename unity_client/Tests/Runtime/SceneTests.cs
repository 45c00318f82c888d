#nullable enable
using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using NUnit.Framework;

namespace Scenewright.Tests
{
    internal sealed class SceneTests
    {
        [Test]
        public void Deltas_keep_a_mirror_of_the_scene_within_the_tolerances()
        {
            var dice = new Dice(1);
            var diff = new SceneDiff(0.05f, 0.05f);
            var objects = Enumerable.Range(0, 20).Select(i => Thing(i, dice.Pose())).ToList();
            var mirror = diff.Snapshot(objects).Objects.ToDictionary(item => item.Id);
            var (revision, silent) = (diff.Revision, 0);
            for (var step = 0; step < 200; step++)
            {
                var at = dice.Below(objects.Count);
                var old = objects[at];
                switch (dice.Below(4))
                {
                    case 0:
                        objects.RemoveAt(at);
                        objects.Add(Thing(100 + step, dice.Pose()));
                        break;
                    case 1:
                        objects[at] = new SceneObject(old.Id, "other " + step, old.Pose) { Facts = new[] { new Fact("n", step) } };
                        break;
                    default:
                        var moved = new WorldPose(old.Pose.Position + dice.Vector(0.04f), old.Pose.Rotation);
                        objects[at] = new SceneObject(old.Id, old.Label, moved) { Facts = old.Facts };
                        break;
                }

                var delta = diff.Delta(objects);
                if (delta == null)
                {
                    silent++;
                    continue;
                }

                Assert.That(delta.BaseRevision, Is.EqualTo(revision));
                revision = delta.Revision;
                foreach (var id in delta.RemovedIds)
                {
                    Assert.That(mirror.Remove(id), Is.True);
                }

                foreach (var item in delta.Upserts)
                {
                    mirror[item.Id] = item;
                }

                Assert.That(mirror.Keys, Is.EquivalentTo(objects.Select(item => item.Id)));
                foreach (var item in objects)
                {
                    Assert.That((mirror[item.Id].Pose.Position - item.Pose.Position).Length, Is.LessThanOrEqualTo(0.0501f));
                    Assert.That(mirror[item.Id].Label, Is.EqualTo(item.Label));
                    Assert.That(mirror[item.Id].Facts, Is.EqualTo(item.Facts));
                }
            }

            Assert.That(silent, Is.GreaterThan(0), "small moves are not told");
            Assert.That(diff.Delta(objects), Is.Null);
        }

        [Test]
        public void What_a_server_would_refuse_is_left_out_and_said()
        {
            var problems = new List<string>();
            var here = new WorldPose(default, Quat.None);
            var nowhere = new WorldPose(new Vec3(float.NaN, 0, 0), Quat.None);
            var objects = new[] { Thing(1, here), Thing(1, here), Thing(2, nowhere), new SceneObject("3", " ", here) }
                .Concat(Enumerable.Range(10, 500).Select(i => Thing(i, here)))
                .ToArray();
            Assert.That(SceneDiff.Sift(objects, 24, problems), Has.Count.EqualTo(24));
            Assert.That(problems, Has.Count.EqualTo(4));
            Assert.That(problems[3], Does.Contain("501 things").And.Contain("takes 24"));
        }

        [TestCase("24 EUR", 24.0, "EUR", null)]
        [TestCase("24", 24.0, "", null)]
        [TestCase("-1.5e2 kg", -150.0, "kg", null)]
        [TestCase("24 fine ducks", null, "", "24 fine ducks")]
        [TestCase("Thonet", null, "", "Thonet")]
        [TestCase("NaN", null, "", "NaN")]
        [TestCase("Infinity", null, "", "Infinity")]
        public void A_fact_is_a_number_where_it_reads_as_one(string value, double? number, string unit, string? text) =>
            Assert.That(Fact.Read("k", value), Is.EqualTo(new Fact("k", text, number, unit)));

        [Test]
        public void Code_points_are_counted_as_utf32_counts_them()
        {
            var dice = new Dice(2);
            var letters = new[] { "a", "ß", "椅", "😀", "👩‍🚀", "e\u0301", "𝄞", "\ud83d", "\ude00" };
            for (var i = 0; i < 300; i++)
            {
                var text = string.Concat(Enumerable.Range(0, dice.Below(12)).Select(_ => letters[dice.Below(letters.Length)]));
                Assert.That(CodePoints.Count(text), Is.EqualTo(Encoding.UTF32.GetByteCount(text) / 4));
                for (var n = 0; n <= CodePoints.Count(text); n++)
                {
                    var index = CodePoints.ToUtf16(text, n);
                    Assert.That(Encoding.UTF32.GetByteCount(text.Substring(0, index)) / 4, Is.EqualTo(n));
                    Assert.That(CodePoints.FromUtf16(text, index), Is.EqualTo(n));
                }
            }

            Assert.That(new WordSpan(5, 5).In("a 😀😀 chair"), Is.EqualTo("chair"));
            Assert.That(CodePoints.ToUtf16("ab", 9), Is.EqualTo(2));
        }

        [Test]
        public void The_pose_of_an_old_frame_is_found_and_that_of_a_very_old_one_is_not()
        {
            var history = new PoseHistory(3);
            for (var i = 0; i < 5; i++)
            {
                history.Add(new Capture($"f{i}", new WorldPose(new Vec3(i, 0, 0), Quat.None), new Lens(1, 1, 1, 1, 2, 2)));
            }

            Assert.That(history.Count, Is.EqualTo(3));
            Assert.That(history.Find("f4")!.Camera.Position.X, Is.EqualTo(4));
            Assert.That(history.Find("f1"), Is.Null);
        }

        [Test]
        public void A_camera_that_shows_one_picture_or_none_is_told_by_its_name()
        {
            var time = new ManualTime();
            var watch = new FrameWatch(time);
            Assert.That(watch.State, Is.EqualTo(CameraState.Starting));
            for (var i = 0; i < 40; i++)
            {
                watch.Saw(new[] { (byte)i, (byte)1 });
                time.Pass(0.1);
            }

            Assert.That(watch.State, Is.EqualTo(CameraState.Seeing));
            for (var i = 0; i < 21; i++)
            {
                watch.Saw(new byte[] { 7, 7 });
                time.Pass(0.1);
            }

            Assert.That(watch.State, Is.EqualTo(CameraState.Frozen));
            time.Pass(2);
            Assert.That(watch.State, Is.EqualTo(CameraState.Silent));
        }

        [Test]
        public void Frames_are_taken_at_their_rate_whatever_the_screens_is()
        {
            var time = new ManualTime();
            var watch = new FrameWatch(time);
            var taken = 0;
            for (var i = 0; i < 600; i++)
            {
                time.Pass(1 / 60.0);
                taken += watch.TakeTurn(5) ? 1 : 0;
            }

            Assert.That(taken, Is.EqualTo(50).Within(1));
            time.Pass(100);
            Assert.That(watch.TakeTurn(5), Is.True);
            Assert.That(watch.TakeTurn(5), Is.False, "what was missed is not made up for");
        }

        private static SceneObject Thing(int id, WorldPose pose) => new SceneObject($"o{id}", $"thing {id}", pose);
    }
}
