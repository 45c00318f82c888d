#nullable enable
using System;
using System.Collections.Generic;

namespace Scenewright
{
    /// <summary>A point of the upright, unmirrored image, in fractions from its top left corner.</summary>
    public readonly struct ImagePoint : IEquatable<ImagePoint>
    {
        /// <summary>A point, in fractions of width and height.</summary>
        public ImagePoint(float x, float y)
        {
            X = x;
            Y = y;
        }

        /// <summary>From the left edge, 0 to 1.</summary>
        public float X { get; }

        /// <summary>From the top edge, 0 to 1.</summary>
        public float Y { get; }

        /// <summary>Whether both are equal.</summary>
        public static bool operator ==(ImagePoint a, ImagePoint b) => a.Equals(b);

        /// <summary>Whether one differs.</summary>
        public static bool operator !=(ImagePoint a, ImagePoint b) => !a.Equals(b);

        /// <inheritdoc/>
        public bool Equals(ImagePoint other) => X.Equals(other.X) && Y.Equals(other.Y);

        /// <inheritdoc/>
        public override bool Equals(object? obj) => obj is ImagePoint other && Equals(other);

        /// <inheritdoc/>
        public override int GetHashCode() => HashCode.Combine(X, Y);

        /// <inheritdoc/>
        public override string ToString() => FormattableString.Invariant($"({X:g4}, {Y:g4})");
    }

    /// <summary>A rectangle of the upright, unmirrored image, in fractions from its top left corner.</summary>
    public readonly struct ImageBox : IEquatable<ImageBox>
    {
        /// <summary>A rectangle, in fractions of width and height.</summary>
        public ImageBox(float x, float y, float width, float height)
        {
            X = x;
            Y = y;
            Width = width;
            Height = height;
        }

        /// <summary>Left edge, 0 to 1.</summary>
        public float X { get; }

        /// <summary>Top edge, 0 to 1.</summary>
        public float Y { get; }

        /// <summary>More than 0.</summary>
        public float Width { get; }

        /// <summary>More than 0.</summary>
        public float Height { get; }

        /// <summary>Its middle.</summary>
        public ImagePoint Middle => new ImagePoint(X + (Width / 2), Y + (Height / 2));

        /// <summary>Whether all are equal.</summary>
        public static bool operator ==(ImageBox a, ImageBox b) => a.Equals(b);

        /// <summary>Whether one differs.</summary>
        public static bool operator !=(ImageBox a, ImageBox b) => !a.Equals(b);

        /// <inheritdoc/>
        public bool Equals(ImageBox other) =>
            X.Equals(other.X) && Y.Equals(other.Y) && Width.Equals(other.Width) && Height.Equals(other.Height);

        /// <inheritdoc/>
        public override bool Equals(object? obj) => obj is ImageBox other && Equals(other);

        /// <inheritdoc/>
        public override int GetHashCode() => HashCode.Combine(X, Y, Width, Height);

        /// <inheritdoc/>
        public override string ToString() => FormattableString.Invariant($"({X:g4}, {Y:g4}, {Width:g4} x {Height:g4})");
    }

    /// <summary>Some words of a response, in Unicode code points of its whole text; see <see cref="CodePoints"/>.</summary>
    public readonly struct WordSpan : IEquatable<WordSpan>
    {
        /// <summary>So many code points from a first one on.</summary>
        public WordSpan(int start, int length)
        {
            Start = start;
            Length = length;
        }

        /// <summary>The first code point.</summary>
        public int Start { get; }

        /// <summary>How many they are.</summary>
        public int Length { get; }

        /// <summary>Whether both are equal.</summary>
        public static bool operator ==(WordSpan a, WordSpan b) => a.Equals(b);

        /// <summary>Whether one differs.</summary>
        public static bool operator !=(WordSpan a, WordSpan b) => !a.Equals(b);

        /// <summary>The words in the response's text.</summary>
        public string In(string text)
        {
            var start = CodePoints.ToUtf16(text, Start);
            return text.Substring(start, CodePoints.ToUtf16(text, Start + Length) - start);
        }

        /// <inheritdoc/>
        public bool Equals(WordSpan other) => Start == other.Start && Length == other.Length;

        /// <inheritdoc/>
        public override bool Equals(object? obj) => obj is WordSpan other && Equals(other);

        /// <inheritdoc/>
        public override int GetHashCode() => HashCode.Combine(Start, Length);
    }

    /// <summary>A label with a place: in the image, in the scene graph, or both.</summary>
    public sealed class Annotation
    {
        internal Annotation(V1.Annotation proto) => (Id, FrameId, Label, AnchorId, ObjectId, Confidence, Box, Point, Spans) = (
            proto.Id,
            proto.FrameId,
            proto.Label,
            proto.AnchorId,
            proto.ObjectId,
            proto.HasConfidence ? proto.Confidence : (float?)null,
            proto.Box == null ? (ImageBox?)null : new ImageBox(proto.Box.X, proto.Box.Y, proto.Box.Width, proto.Box.Height),
            proto.Point == null ? (ImagePoint?)null : new ImagePoint(proto.Point.X, proto.Point.Y),
            Wire.Spans(proto.Spans));

        /// <summary>What comes again under the same id in a response takes the place of the one before.</summary>
        public string Id { get; }

        /// <summary>The frame that box and point belong to.</summary>
        public string FrameId { get; }

        /// <summary>The words for the thing.</summary>
        public string Label { get; }

        /// <summary>The scene object's anchor, if it has one.</summary>
        public string AnchorId { get; }

        /// <summary>The scene object's id, if the thing is one.</summary>
        public string ObjectId { get; }

        /// <summary>0 to 1; null if unknown.</summary>
        public float? Confidence { get; }

        /// <summary>The thing's outline in the image.</summary>
        public ImageBox? Box { get; }

        /// <summary>A spot on the thing in the image.</summary>
        public ImagePoint? Point { get; }

        /// <summary>The middle of the outline, or the spot; null for a thing out of view.</summary>
        public ImagePoint? Spot => Point ?? Box?.Middle;

        /// <summary>The words that mean the thing; none: the response is about it.</summary>
        public IReadOnlyList<WordSpan> Spans { get; }
    }

    /// <summary>Why a response ended.</summary>
    public enum FinishReason
    {
        /// <summary>A newer server's reason.</summary>
        Unknown,

        /// <summary>All was said.</summary>
        Completed,

        /// <summary>The tokens ran out.</summary>
        TokenLimit,

        /// <summary>The user spoke, typed or interrupted.</summary>
        Interrupted,

        /// <summary>Client or server went away.</summary>
        Cancelled,

        /// <summary>An error says why.</summary>
        Failed,

        /// <summary>A spoken question held no speech.</summary>
        NoSpeech,
    }

    /// <summary>What a response cost, in decoder positions.</summary>
    public sealed record Usage(
        int TextTokens, int ImageTokens, int AudioTokens, int SceneTokens, int CachedTokens, int OutputTokens);

    /// <summary>Where the time went, milliseconds; 0 where a stage was not needed.</summary>
    public sealed record Timings(
        float QueueMs,
        float DecodeMs,
        float EncodeImageMs,
        float EncodeAudioMs,
        float PrefillMs,
        float FirstTokenMs,
        float GenerateMs,
        float TotalMs,
        float SilenceMs,
        float TranscriptMs,
        float FirstTextMs);

    /// <summary>The end of a response.</summary>
    /// <param name="Reason">Why it ended.</param>
    /// <param name="Usage">What it cost.</param>
    /// <param name="Timings">Where the time went.</param>
    /// <param name="Confidence">How sure the model is, 0 to 1; null if unknown.</param>
    public sealed record Finish(FinishReason Reason, Usage Usage, Timings Timings, float? Confidence);

    /// <summary>The question as the server understood it.</summary>
    public sealed record Question(string Text, bool Spoken, float? Confidence);

    /// <summary>One piece of a streamed answer: exactly one of its properties is set.</summary>
    /// <param name="Question">What was asked; the first piece of an answer to a question.</param>
    /// <param name="Text">The next words, spaces included.</param>
    /// <param name="Annotation">The place of something the answer speaks of.</param>
    /// <param name="Finish">The end; the last piece.</param>
    public sealed record AnswerPiece(
        Question? Question = null, string? Text = null, Annotation? Annotation = null, Finish? Finish = null);

    /// <summary>A whole answer or description.</summary>
    /// <param name="Question">What was asked; null for a description.</param>
    /// <param name="Text">What is said.</param>
    /// <param name="Annotations">Each thing once.</param>
    /// <param name="Finish">How it ended.</param>
    public sealed record Answer(Question? Question, string Text, IReadOnlyList<Annotation> Annotations, Finish Finish);

    /// <summary>What was said in a recording.</summary>
    public sealed record Transcription(string Text, float Confidence, bool NoSpeech, float DurationS);

    /// <summary>A model that the server runs.</summary>
    public sealed class ModelInfo
    {
        internal ModelInfo(V1.Model model, string serverVersion, int contract)
        {
            (Name, Version, Languages, SpeechLanguages, Knows, DoesNotKnow, Device) = (
                model.Name, model.Version, model.Languages, model.SpeechLanguages, model.Knows, model.DoesNotKnow, model.Device);
            (MaxSceneObjects, MaxFacts, MaxAudioS, MaxTextChars, MaxFramesPerS) = (
                (int)model.Limits.MaxSceneObjects,
                (int)model.Limits.MaxFacts,
                model.Limits.MaxAudioS,
                (int)model.Limits.MaxTextChars,
                model.Limits.MaxLiveFramesPerS);
            (Hears, Sees) = (
                model.Capabilities.Contains(V1.Capability.AudioInput), model.Capabilities.Contains(V1.Capability.ImageInput));
            (ServerVersion, Contract) = (serverVersion, contract);
        }

        /// <summary>For <see cref="ClientSettings.Model"/>.</summary>
        public string Name { get; }

        /// <summary>The bundle's version.</summary>
        public string Version { get; }

        /// <summary>What it reads and writes, the default first; BCP 47.</summary>
        public IReadOnlyList<string> Languages { get; }

        /// <summary>What it understands spoken; BCP 47.</summary>
        public IReadOnlyList<string> SpeechLanguages { get; }

        /// <summary>What it has learned, in words.</summary>
        public string Knows { get; }

        /// <summary>What it gets wrong, in words.</summary>
        public string DoesNotKnow { get; }

        /// <summary>Where it runs.</summary>
        public string Device { get; }

        /// <summary>It takes speech.</summary>
        public bool Hears { get; }

        /// <summary>It takes frames.</summary>
        public bool Sees { get; }

        /// <summary>Objects of a scene graph.</summary>
        public int MaxSceneObjects { get; }

        /// <summary>Facts of one object.</summary>
        public int MaxFacts { get; }

        /// <summary>Seconds of one recording or spoken turn.</summary>
        public float MaxAudioS { get; }

        /// <summary>Code points of a question.</summary>
        public int MaxTextChars { get; }

        /// <summary>Frames a second that a conversation looks at.</summary>
        public float MaxFramesPerS { get; }

        /// <summary>The server's version.</summary>
        public string ServerVersion { get; }

        /// <summary>Counts the contract's additions.</summary>
        public int Contract { get; }
    }
}
