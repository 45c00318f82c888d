#nullable enable
using System;
using UnityEngine.Events;

namespace Scenewright
{
    /// <summary>A text.</summary>
    [Serializable]
    public sealed class TextEvent : UnityEvent<string>
    {
    }

    /// <summary>The place of something an answer speaks of.</summary>
    [Serializable]
    public sealed class AnnotationEvent : UnityEvent<Annotation>
    {
    }

    /// <summary>A speaker has changed its state.</summary>
    [Serializable]
    public sealed class StateEvent : UnityEvent<SpeakerState>
    {
    }

    /// <summary>How a speaker stands.</summary>
    public enum SpeakerState
    {
        /// <summary>It does nothing.</summary>
        Off,

        /// <summary>It connects.</summary>
        Connecting,

        /// <summary>Nobody speaks.</summary>
        Ready,

        /// <summary>The user speaks.</summary>
        Hearing,

        /// <summary>An answer comes.</summary>
        Answering,

        /// <summary>The connection broke and is being made again.</summary>
        Reconnecting,

        /// <summary>The app is in the background.</summary>
        Paused,

        /// <summary>It has failed; the Console says why.</summary>
        Failed,
    }
}
