#nullable enable
using System;
using System.Collections.Concurrent;
using UnityEngine;

namespace Scenewright
{
    /// <summary>Sends frames to a speaker's conversation and keeps the camera's pose at each. What makes the frames derives from it.</summary>
    [RequireComponent(typeof(SceneSpeaker))]
    public abstract class FrameSource : MonoBehaviour
    {
        private const int MaxKept = 2;

        [Tooltip("Frames sent a second, at most.")]
        [Range(0.1f, 10)] [SerializeField] private float _framesPerSecond = 3;

        private readonly ConcurrentQueue<Action> _releases = new ConcurrentQueue<Action>();
        private FrameWatch _watch = new FrameWatch();
        private CameraState _said;
        private long _number;

        /// <summary>How the camera stands.</summary>
        public CameraState State { get; private set; }

        /// <summary>The speaker that the frames are for.</summary>
        protected SceneSpeaker Speaker { get; private set; } = null!;

        /// <summary>Whether a frame is wanted now; if so, make one and call <see cref="Send"/>.</summary>
        protected bool WantsFrame => Speaker.Conversation is { } talk
            && !talk.IsOver
            && talk.FramesKept < MaxKept
            && _watch.TakeTurn(_framesPerSecond);

        /// <summary>Send a frame; `release` gives its memory back, on the main thread.</summary>
        protected void Send(Frame frame, Capture capture, ReadOnlySpan<byte> firstPlane, Action release)
        {
            _watch.Saw(firstPlane);
            var talk = Speaker.Conversation;
            if (talk == null)
            {
                release();
                return;
            }

            frame.FrameId = capture.FrameId;
            frame.Lens = capture.Lens;
            frame.Camera = capture.Camera;
            frame.Turn = capture.Turn;
            frame.Release = () => _releases.Enqueue(release);
            Speaker.Poses.Add(capture);
            Speaker.Quietly(async () => await talk.SendFrameAsync(frame));
        }

        /// <summary>The name of the next frame.</summary>
        protected string NextFrameId() => $"f{++_number}";

        /// <summary>The camera stands in a way that it tells itself; said once.</summary>
        protected void Show(CameraState state, string why)
        {
            State = state;
            if (state != _said)
            {
                _said = state;
                if (why.Length > 0)
                {
                    Debug.LogWarning($"Scenewright: {why}", this);
                }
            }
        }

        /// <summary>Starts the watch.</summary>
        protected virtual void OnEnable()
        {
            Speaker = GetComponent<SceneSpeaker>();
            _watch = new FrameWatch();
            Show(CameraState.Starting, string.Empty);
        }

        /// <summary>Stops, and gives back what can be given back.</summary>
        protected virtual void OnDisable()
        {
            Show(CameraState.Off, string.Empty);
            GiveBack();
        }

        /// <summary>Gives back what the server has, and looks how the camera stands.</summary>
        protected virtual void Update()
        {
            GiveBack();
            if (State != CameraState.PermissionDenied && State != CameraState.UnknownFormat && Speaker.Conversation != null)
            {
                var state = _watch.State;
                Show(state, state switch
                {
                    CameraState.Frozen => "the camera has shown one and the same picture for 2 s",
                    CameraState.Silent => "no frame has come from the camera for 2 s",
                    _ => string.Empty,
                });
            }
        }

        private void OnDestroy() => GiveBack();

        private void GiveBack()
        {
            while (_releases.TryDequeue(out var release))
            {
                release();
            }
        }
    }
}
