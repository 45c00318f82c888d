#nullable enable
using System;
using System.Collections.Generic;

namespace Scenewright
{
    /// <summary>
    /// What a client must keep to go on after a broken connection: the messages that the server has not taken in, in the order
    /// of their `client_seq`. It is full at `maxBytes`: whoever has more to say waits. Safe for use from several threads.
    /// </summary>
    internal sealed class Outbox
    {
        /// <summary>The server acknowledges every so many audio messages, and every other message at once.</summary>
        public const int AcknowledgedEvery = 16;

        private readonly LinkedList<Kept> _kept = new LinkedList<Kept>();
        private readonly long _maxBytes;
        private LinkedListNode<Kept>? _next;
        private long _bytes;
        private ulong _lastSeq;

        public Outbox(long maxBytes) => _maxBytes = maxBytes;

        /// <summary>There is no room until the server takes something in.</summary>
        public bool IsFull
        {
            get
            {
                lock (_kept)
                {
                    return _bytes >= _maxBytes;
                }
            }
        }

        /// <summary>Frames that the server has not taken in.</summary>
        public int Frames { get; private set; }

        /// <summary>So much has been sent over this connection that the server must acknowledge it soon.</summary>
        public bool AwaitsAnswer
        {
            get
            {
                lock (_kept)
                {
                    var sent = 0;
                    for (var at = _kept.First; at != null && at != _next; at = at.Next)
                    {
                        if (at.Value.AudioBytes == 0 || ++sent == AcknowledgedEvery)
                        {
                            return true;
                        }
                    }

                    return false;
                }
            }
        }

        /// <summary>Number the message and keep it; gives its `client_seq`. `release` is called when it is kept no longer.</summary>
        public ulong Add(V1.ConverseRequest message, Action? release)
        {
            lock (_kept)
            {
                message.ClientSeq = ++_lastSeq;
                var node = _kept.AddLast(new Kept(message, release));
                _next ??= node;
                _bytes += node.Value.Bytes;
                Frames += node.Value.IsFrame ? 1 : 0;
                return _lastSeq;
            }
        }

        /// <summary>The next message to send over this connection; null if all were.</summary>
        public V1.ConverseRequest? Next()
        {
            lock (_kept)
            {
                var message = _next?.Value.Message;
                _next = _next?.Next;
                return message;
            }
        }

        /// <summary>Forget everything up to a `client_seq`.</summary>
        public void Acknowledge(ulong seq)
        {
            var released = new List<Action>();
            lock (_kept)
            {
                while (_kept.First != null && _kept.First.Value.Message.ClientSeq <= seq)
                {
                    Forget(_kept.First, released);
                }
            }

            released.ForEach(release => release());
        }

        /// <summary>
        /// A new connection: forget what the server has, and have all of the rest sent over it. Of audio only the last
        /// `maxAudioBytes` are sent again, as the server takes no more at once; gives the bytes that are lost by it.
        /// </summary>
        public long Rewind(ulong lastConsumed, long maxAudioBytes)
        {
            Acknowledge(lastConsumed);
            lock (_kept)
            {
                long audio = 0;
                foreach (var kept in _kept)
                {
                    audio += kept.AudioBytes;
                }

                long lost = 0;
                for (var at = _kept.First; at != null;)
                {
                    var following = at.Next;
                    if (at.Value.AudioBytes > 0 && lost < audio - maxAudioBytes)
                    {
                        lost += at.Value.AudioBytes;
                        Forget(at, null);
                    }

                    at = following;
                }

                _next = _kept.First;
                return lost;
            }
        }

        /// <summary>Forget everything.</summary>
        public void Clear() => Acknowledge(ulong.MaxValue);

        private void Forget(LinkedListNode<Kept> node, List<Action>? released)
        {
            if (node == _next)
            {
                _next = node.Next;
            }

            _kept.Remove(node);
            _bytes -= node.Value.Bytes;
            Frames -= node.Value.IsFrame ? 1 : 0;
            if (node.Value.Release != null)
            {
                released?.Add(node.Value.Release);
            }
        }

        private readonly struct Kept
        {
            public Kept(V1.ConverseRequest message, Action? release)
            {
                Message = message;
                Release = release;
                Bytes = message.CalculateSize();
                AudioBytes = message.Audio?.Data.Length ?? 0;
            }

            public V1.ConverseRequest Message { get; }

            public Action? Release { get; }

            public int Bytes { get; }

            public int AudioBytes { get; }

            public bool IsFrame => Message.MessageCase == V1.ConverseRequest.MessageOneofCase.Image;
        }
    }
}
