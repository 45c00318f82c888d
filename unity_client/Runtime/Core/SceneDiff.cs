#nullable enable
using System;
using System.Collections.Generic;
using System.Linq;

namespace Scenewright
{
    /// <summary>
    /// Tells what has changed in a scene since it was last told. Moves below the tolerances are not told; they add up.
    /// </summary>
    public sealed class SceneDiff
    {
        private readonly Dictionary<string, SceneObject> _told = new Dictionary<string, SceneObject>();
        private readonly float _moveTolerance;
        private readonly float _turnTolerance;

        /// <summary>Tolerances in metres and radians.</summary>
        public SceneDiff(float moveTolerance = 0.01f, float turnTolerance = 0.02f)
        {
            _moveTolerance = moveTolerance;
            _turnTolerance = turnTolerance;
        }

        /// <summary>The revision that was told last; 0 before the first.</summary>
        public ulong Revision { get; private set; }

        /// <summary>
        /// The objects that a server can take: each name once, at most <paramref name="max"/>. What was left out is said in
        /// <paramref name="problems"/>, a sentence each.
        /// </summary>
        public static IReadOnlyList<SceneObject> Sift(
            IReadOnlyList<SceneObject> objects, int max, ICollection<string> problems)
        {
            _ = objects ?? throw new ArgumentNullException(nameof(objects));
            _ = problems ?? throw new ArgumentNullException(nameof(problems));
            var seen = new HashSet<string>();
            var kept = new List<SceneObject>();
            foreach (var item in objects)
            {
                if (item.Label.Trim().Length == 0)
                {
                    problems.Add($"'{item.Id}' has no label and is left out");
                }
                else if (!item.Pose.Position.IsFinite)
                {
                    problems.Add($"'{item.Id}' is at {item.Pose.Position} and is left out");
                }
                else if (!seen.Add(item.Id))
                {
                    problems.Add($"two things have the id '{item.Id}'; the second is left out");
                }
                else
                {
                    kept.Add(item);
                }
            }

            if (kept.Count > max)
            {
                problems.Add($"{kept.Count} things, but the model takes {max}; the last {kept.Count - max} are left out");
                kept.RemoveRange(max, kept.Count - max);
            }

            return kept;
        }

        /// <summary>The whole scene, from now on the one that changes are told from.</summary>
        public SceneGraph Snapshot(IReadOnlyList<SceneObject> objects)
        {
            _ = objects ?? throw new ArgumentNullException(nameof(objects));
            _told.Clear();
            foreach (var item in objects)
            {
                _told[item.Id] = item;
            }

            return new SceneGraph(objects) { Revision = ++Revision };
        }

        /// <summary>What has changed; null if nothing has.</summary>
        public SceneDelta? Delta(IReadOnlyList<SceneObject> objects)
        {
            _ = objects ?? throw new ArgumentNullException(nameof(objects));
            var upserts = objects.Where(item => !_told.TryGetValue(item.Id, out var old) || Differs(old, item)).ToList();
            var present = new HashSet<string>(objects.Select(item => item.Id));
            var removed = _told.Keys.Where(id => !present.Contains(id)).ToList();
            if (upserts.Count == 0 && removed.Count == 0)
            {
                return null;
            }

            foreach (var id in removed)
            {
                _told.Remove(id);
            }

            foreach (var item in upserts)
            {
                _told[item.Id] = item;
            }

            var before = Revision++;
            return new SceneDelta(before, Revision, upserts, removed);
        }

        private bool Differs(SceneObject old, SceneObject now) =>
            (old.Pose.Position - now.Pose.Position).Length > _moveTolerance
            || old.Pose.Rotation.AngleTo(now.Pose.Rotation) > _turnTolerance
            || ((old.Extents ?? default) - (now.Extents ?? default)).Length > _moveTolerance
            || old.Extents.HasValue != now.Extents.HasValue
            || old.Label != now.Label
            || old.AnchorId != now.AnchorId
            || old.Description != now.Description
            || !old.Aliases.SequenceEqual(now.Aliases)
            || !old.Facts.SequenceEqual(now.Facts);
    }
}
