#nullable enable
using System;
using System.Collections.Generic;
using System.Globalization;

namespace Scenewright
{
    /// <summary>Something known of a thing: "maker" "Thonet", "price" 24 "EUR".</summary>
    /// <param name="Key">What it says, unique in the thing.</param>
    /// <param name="Text">In words; null for a number.</param>
    /// <param name="Number">As a number; null for words.</param>
    /// <param name="Unit">Of the number.</param>
    public sealed record Fact(string Key, string? Text, double? Number, string Unit)
    {
        /// <summary>A fact in words.</summary>
        public Fact(string key, string text)
            : this(key, text, null, string.Empty)
        {
        }

        /// <summary>A number and its unit.</summary>
        public Fact(string key, double number, string unit = "")
            : this(key, null, number, unit)
        {
        }

        /// <summary>"24 EUR" is a number with a unit, "24" one without, anything else words.</summary>
        public static Fact Read(string key, string value)
        {
            var parts = (value ?? throw new ArgumentNullException(nameof(value))).Trim().Split(' ');
            var numeric = double.TryParse(parts[0], NumberStyles.Float, CultureInfo.InvariantCulture, out var number);
            return numeric && parts.Length <= 2 && !double.IsNaN(number) && !double.IsInfinity(number)
                ? new Fact(key, number, parts.Length == 2 ? parts[1] : string.Empty)
                : new Fact(key, value.Trim());
        }
    }

    /// <summary>One thing that the app knows to be in the scene.</summary>
    public sealed class SceneObject
    {
        /// <summary>A thing with its name, unique in the scene, its label in words, and its middle in the world.</summary>
        public SceneObject(string id, string label, WorldPose pose)
        {
            Id = id;
            Label = label;
            Pose = pose;
        }

        /// <summary>The app's name for it.</summary>
        public string Id { get; }

        /// <summary>What it is called, in words.</summary>
        public string Label { get; }

        /// <summary>Its middle in the world and how it is turned.</summary>
        public WorldPose Pose { get; }

        /// <summary>Full width, height and depth along its own axes, metres; null for a point.</summary>
        public Vec3? Extents { get; set; }

        /// <summary>The anchor it hangs on.</summary>
        public string AnchorId { get; set; } = string.Empty;

        /// <summary>Other words for it.</summary>
        public IReadOnlyList<string> Aliases { get; set; } = Array.Empty<string>();

        /// <summary>Anything else worth knowing about it.</summary>
        public string Description { get; set; } = string.Empty;

        /// <summary>What is known of it.</summary>
        public IReadOnlyList<Fact> Facts { get; set; } = Array.Empty<Fact>();
    }

    /// <summary>A camera's place and its upright lens.</summary>
    public sealed record Viewpoint(WorldPose Pose, Lens? Lens = null);

    /// <summary>A snapshot of the scene.</summary>
    public sealed class SceneGraph
    {
        /// <summary>A scene of these things.</summary>
        public SceneGraph(IReadOnlyList<SceneObject> objects) => Objects = objects;

        /// <summary>What is there.</summary>
        public IReadOnlyList<SceneObject> Objects { get; }

        /// <summary>Counts up with every change.</summary>
        public ulong Revision { get; set; }

        /// <summary>The axes of every pose.</summary>
        public Handedness Handedness { get; set; }

        /// <summary>Where the scene is seen from, without a frame that tells it.</summary>
        public Viewpoint? Viewpoint { get; set; }
    }

    /// <summary>Things that are new or other, or gone; the rest stays as at `baseRevision`.</summary>
    public sealed class SceneDelta
    {
        /// <summary>A change from one revision to another.</summary>
        public SceneDelta(
            ulong baseRevision, ulong revision, IReadOnlyList<SceneObject> upserts, IReadOnlyList<string> removedIds)
        {
            BaseRevision = baseRevision;
            Revision = revision;
            Upserts = upserts;
            RemovedIds = removedIds;
        }

        /// <summary>The revision that it changes.</summary>
        public ulong BaseRevision { get; }

        /// <summary>The scene's revision from now on.</summary>
        public ulong Revision { get; }

        /// <summary>New things, and those in place of the ones with their names.</summary>
        public IReadOnlyList<SceneObject> Upserts { get; }

        /// <summary>Names of things that are gone.</summary>
        public IReadOnlyList<string> RemovedIds { get; }
    }

    /// <summary>What a user points with.</summary>
    public enum PointerKind
    {
        /// <summary>Not said.</summary>
        Unknown,

        /// <summary>The eyes or the head.</summary>
        Gaze,

        /// <summary>A hand.</summary>
        Hand,

        /// <summary>A controller.</summary>
        Controller,

        /// <summary>A touch or a mouse, as a ray from the camera.</summary>
        Screen,
    }

    /// <summary>A question of the past and what was answered.</summary>
    public sealed record PastTurn(string Question, string Answer);
}
