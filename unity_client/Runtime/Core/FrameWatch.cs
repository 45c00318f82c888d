#nullable enable
using System;

namespace Scenewright
{
    /// <summary>How the camera stands.</summary>
    public enum CameraState
    {
        /// <summary>It is not used.</summary>
        Off,

        /// <summary>Its first frame is waited for.</summary>
        Starting,

        /// <summary>Frames come.</summary>
        Seeing,

        /// <summary>It has given the same frame for 2 s.</summary>
        Frozen,

        /// <summary>No frame has come for 2 s.</summary>
        Silent,

        /// <summary>The user does not allow it.</summary>
        PermissionDenied,

        /// <summary>Its frames are of a kind that is not known.</summary>
        UnknownFormat,
    }

    /// <summary>
    /// Says when a frame is due, and whether frames change. A frame's likeness is told from a sample of its bytes.
    /// </summary>
    public sealed class FrameWatch
    {
        private const double PatienceS = 2;
        private const int Samples = 1021;
        private readonly TimeProvider _time;
        private double _lastAt;
        private double _changedAt;
        private double _dueAt;
        private long _likeness;
        private bool _any;

        /// <summary>A watch that begins now.</summary>
        public FrameWatch(TimeProvider? time = null)
        {
            _time = time ?? TimeProvider.System;
            _lastAt = _changedAt = _dueAt = Clock.Seconds(_time);
        }

        /// <summary>How the camera stands now.</summary>
        public CameraState State
        {
            get
            {
                var now = Clock.Seconds(_time);
                return now - _lastAt >= PatienceS ? CameraState.Silent
                    : !_any ? CameraState.Starting
                    : now - _changedAt >= PatienceS ? CameraState.Frozen
                    : CameraState.Seeing;
            }
        }

        /// <summary>Whether another frame is to be taken, at so many a second; if so, the next is due a period later.</summary>
        public bool TakeTurn(double framesPerS)
        {
            var now = Clock.Seconds(_time);
            if (framesPerS <= 0 || now < _dueAt)
            {
                return false;
            }

            _dueAt = Math.Max(_dueAt, now - (0.5 / framesPerS)) + (1 / framesPerS);
            return true;
        }

        /// <summary>A frame came; these are the bytes of its first plane.</summary>
        public void Saw(ReadOnlySpan<byte> plane)
        {
            long likeness = plane.Length;
            for (var i = 0; i < Samples && plane.Length > 0; i++)
            {
                likeness = unchecked((likeness * 31) + plane[(int)((long)i * plane.Length / Samples)]);
            }

            _lastAt = Clock.Seconds(_time);
            if (!_any || likeness != _likeness)
            {
                _changedAt = _lastAt;
            }

            (_any, _likeness) = (true, likeness);
        }
    }
}
