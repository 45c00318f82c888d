#nullable enable
using System;

namespace Scenewright
{
    /// <summary>What a conversation says.</summary>
    /// <param name="Seq">Counts the conversation's events from 1; 0 for those of one connection.</param>
    /// <param name="Turn">Counts the user's turns from 1.</param>
    /// <param name="ResponseId">The response it belongs to; empty outside one.</param>
    public abstract record LiveEvent(ulong Seq, int Turn, string ResponseId);

    /// <summary>The conversation begins, or goes on over a new connection.</summary>
    /// <param name="SessionId">The session it talks in.</param>
    /// <param name="Resumed">It goes on.</param>
    /// <param name="LostAudio">What of the oldest sound was lost by a long break.</param>
    public sealed record Connected(string SessionId, bool Resumed, TimeSpan LostAudio)
        : LiveEvent(0, 0, string.Empty);

    /// <summary>The connection broke; another is being made.</summary>
    /// <param name="Why">What the break was.</param>
    public sealed record Disconnected(ScenewrightException Why)
        : LiveEvent(0, 0, string.Empty);

    /// <summary>The user begins to speak: stop what is being read aloud, unless speech is not to interrupt.</summary>
    /// <param name="AudioMs">Where, in the conversation's audio.</param>
    public sealed record SpeechStarted(ulong Seq, int Turn, string ResponseId, long AudioMs)
        : LiveEvent(Seq, Turn, ResponseId);

    /// <summary>The user has spoken.</summary>
    /// <param name="AudioMs">Where speech ended, in the conversation's audio.</param>
    /// <param name="Cut">The turn had grown too long.</param>
    public sealed record SpeechStopped(ulong Seq, int Turn, string ResponseId, long AudioMs, bool Cut)
        : LiveEvent(Seq, Turn, ResponseId);

    /// <summary>What the user says in this turn so far.</summary>
    /// <param name="Text">It replaces the one before.</param>
    /// <param name="IsFinal">No other will come in this turn.</param>
    /// <param name="Confidence">0 to 1, set if final.</param>
    public sealed record HeardSoFar(ulong Seq, int Turn, string ResponseId, string Text, bool IsFinal, float? Confidence)
        : LiveEvent(Seq, Turn, ResponseId);

    /// <summary>An answer begins.</summary>
    /// <param name="Question">What it answers.</param>
    /// <param name="FrameId">The frame it looks at.</param>
    /// <param name="SceneRevision">The scene it knows.</param>
    public sealed record ResponseStarted(ulong Seq, int Turn, string ResponseId, Question Question, string FrameId, ulong SceneRevision)
        : LiveEvent(Seq, Turn, ResponseId);

    /// <summary>The answer's next words.</summary>
    /// <param name="Text">Spaces included.</param>
    public sealed record Words(ulong Seq, int Turn, string ResponseId, string Text)
        : LiveEvent(Seq, Turn, ResponseId);

    /// <summary>The place of something the answer speaks of.</summary>
    /// <param name="Annotation">Where it is.</param>
    public sealed record Annotated(ulong Seq, int Turn, string ResponseId, Annotation Annotation)
        : LiveEvent(Seq, Turn, ResponseId);

    /// <summary>What interrupted an answer.</summary>
    public enum InterruptionCause
    {
        /// <summary>A newer server's cause.</summary>
        Unknown,

        /// <summary>The user spoke.</summary>
        Speech,

        /// <summary>The user typed.</summary>
        Text,

        /// <summary>The app asked for it.</summary>
        Client,
    }

    /// <summary>The answer stops here: drop what has not been presented.</summary>
    /// <param name="Cause">What stopped it.</param>
    public sealed record Interrupted(ulong Seq, int Turn, string ResponseId, InterruptionCause Cause)
        : LiveEvent(Seq, Turn, ResponseId);

    /// <summary>The answer's end, exactly one for each.</summary>
    /// <param name="Finish">How it ended.</param>
    public sealed record ResponseEnded(ulong Seq, int Turn, string ResponseId, Finish Finish)
        : LiveEvent(Seq, Turn, ResponseId);

    /// <summary>The server ends the connection soon; the conversation goes on over another by itself.</summary>
    /// <param name="TimeLeft">Until then.</param>
    public sealed record GoingAway(TimeSpan TimeLeft)
        : LiveEvent(0, 0, string.Empty);

    /// <summary>Something was refused or failed, and the conversation goes on.</summary>
    /// <param name="Error">What it was.</param>
    /// <param name="MessageSeq">What a `Send...` gave; 0 if it is about no message.</param>
    public sealed record Problem(ulong Seq, int Turn, string ResponseId, ScenewrightException Error, ulong MessageSeq)
        : LiveEvent(Seq, Turn, ResponseId);

    /// <summary>Who ends the user's turn.</summary>
    public enum TurnTaking
    {
        /// <summary>The server hears speech and silence.</summary>
        Automatic,

        /// <summary>The app says so: push to talk.</summary>
        Manual,
    }

    /// <summary>What stops an answer beside <see cref="Conversation.InterruptAsync"/>.</summary>
    public enum InterruptedBy
    {
        /// <summary>Speech and typed turns.</summary>
        Speech,

        /// <summary>Typed turns.</summary>
        Text,

        /// <summary>Neither.</summary>
        Nothing,
    }

    /// <summary>What a conversation is to be like.</summary>
    public sealed class ConversationSetup
    {
        /// <summary>Rate of the sound to come, 8 000 to 48 000 Hz; 0 for none.</summary>
        public int SampleRateHz { get; set; } = 16_000;

        /// <summary>Who ends the user's turn.</summary>
        public TurnTaking Turns { get; set; }

        /// <summary>Silence that ends a turn, 100 to 5 000 milliseconds; null leaves it to the server.</summary>
        public int? EndSilenceMs { get; set; }

        /// <summary>How sure the server must be that it hears speech, 0.1 to 0.95; null leaves it to the server.</summary>
        public float? StartThreshold { get; set; }

        /// <summary>What stops an answer.</summary>
        public InterruptedBy InterruptedBy { get; set; }

        /// <summary>BCP 47 tag of the answers; empty: each in its question's language.</summary>
        public string Language { get; set; } = string.Empty;

        /// <summary>Who the model is and how it is to speak; null leaves a session's as they are.</summary>
        public string? Instructions { get; set; }

        /// <summary>What was said before.</summary>
        public System.Collections.Generic.IReadOnlyList<PastTurn> History { get; set; } = Array.Empty<PastTurn>();

        /// <summary>A session to talk in; empty: one of its own, which ends with the conversation.</summary>
        public string SessionId { get; set; } = string.Empty;

        /// <summary>The first frame.</summary>
        public Frame? Frame { get; set; }

        /// <summary>The first scene.</summary>
        public SceneGraph? Scene { get; set; }

        /// <summary>The axes of everything the conversation tells.</summary>
        public Handedness Handedness { get; set; }

        /// <summary>The server's bound on the length of one answer; null leaves it to the server.</summary>
        public int? MaxNewTokens { get; set; }

        /// <summary>Is told of every message; see <see cref="ConversationLog"/>.</summary>
        public ConversationLog? Log { get; set; }
    }
}
