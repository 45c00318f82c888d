#nullable enable
using System;
using System.Collections.Generic;

namespace Scenewright
{
    /// <summary>
    /// The camera's pose and lens at each of the last frames: an answer about a frame comes when the camera has moved on.
    /// Safe for use from several threads.
    /// </summary>
    public sealed class PoseHistory
    {
        private readonly Dictionary<string, Capture> _captures = new Dictionary<string, Capture>();
        private readonly Queue<string> _order = new Queue<string>();
        private readonly int _capacity;

        /// <summary>A history of so many frames; the oldest is forgotten first.</summary>
        public PoseHistory(int capacity = 512)
        {
            _capacity = capacity > 0
                ? capacity
                : throw new ArgumentOutOfRangeException(nameof(capacity), capacity, "capacity: expected 1 or more");
        }

        /// <summary>How many frames are kept.</summary>
        public int Count
        {
            get
            {
                lock (_order)
                {
                    return _order.Count;
                }
            }
        }

        /// <summary>Keep a frame's capture; one of the same name takes its place.</summary>
        public void Add(Capture capture)
        {
            _ = capture ?? throw new ArgumentNullException(nameof(capture));
            lock (_order)
            {
                if (!_captures.ContainsKey(capture.FrameId))
                {
                    _order.Enqueue(capture.FrameId);
                }

                _captures[capture.FrameId] = capture;
                while (_order.Count > _capacity)
                {
                    _captures.Remove(_order.Dequeue());
                }
            }
        }

        /// <summary>The capture of that name; null if there was none or it is forgotten.</summary>
        public Capture? Find(string frameId)
        {
            lock (_order)
            {
                return _captures.TryGetValue(frameId, out var capture) ? capture : null;
            }
        }
    }
}
