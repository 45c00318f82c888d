#nullable enable
using System;
using UnityEngine;
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

    /// <summary>What the Inspector shows of a speaker's events.</summary>
    [Serializable]
    public sealed class SpeakerEvents
    {
        [SerializeField] private TextEvent _heard = new TextEvent();
        [SerializeField] private TextEvent _words = new TextEvent();
        [SerializeField] private TextEvent _answer = new TextEvent();
        [SerializeField] private TextEvent _problem = new TextEvent();
        [SerializeField] private AnnotationEvent _annotation = new AnnotationEvent();
        [SerializeField] private StateEvent _state = new StateEvent();

        /// <summary>What the user was understood to say.</summary>
        public TextEvent Heard => _heard;

        /// <summary>An answer's next words.</summary>
        public TextEvent Words => _words;

        /// <summary>A whole answer.</summary>
        public TextEvent Answer => _answer;

        /// <summary>Something failed or was refused.</summary>
        public TextEvent Problem => _problem;

        /// <summary>The place of something that an answer speaks of.</summary>
        public AnnotationEvent Annotation => _annotation;

        /// <summary>The speaker stands otherwise.</summary>
        public StateEvent State => _state;

        /// <summary>How a speaker stands after an event.</summary>
        internal static SpeakerState StateAfter(LiveEvent said, SpeakerState before) => said switch
        {
            Connected _ => SpeakerState.Ready,
            Disconnected _ => SpeakerState.Reconnecting,
            SpeechStarted _ => SpeakerState.Hearing,
            SpeechStopped _ => SpeakerState.Ready,
            ResponseStarted _ => SpeakerState.Answering,
            ResponseEnded _ => SpeakerState.Ready,
            _ => before,
        };

        /// <summary>Tell whoever listens; `text` is the answer so far, `report` gets a problem.</summary>
        internal void Tell(LiveEvent said, string text, Action<Exception> report)
        {
            switch (said)
            {
                case HeardSoFar { IsFinal: true } heard when heard.Text.Length > 0:
                    _heard.Invoke(heard.Text);
                    break;
                case Scenewright.Words words:
                    _words.Invoke(words.Text);
                    break;
                case Annotated annotated:
                    _annotation.Invoke(annotated.Annotation);
                    break;
                case ResponseEnded _:
                    _answer.Invoke(text);
                    break;
                case Scenewright.Problem problem:
                    report(problem.Error);
                    break;
            }
        }
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
