#nullable enable
using System;

namespace Scenewright
{
    /// <summary>
    /// Whether the microphone may be listened to: a loudspeaker beside an open microphone interrupts itself. While a reply is
    /// read aloud, and a little after, it is not, unless a headset is on or the platform takes the echo out.
    /// Safe for use from several threads.
    /// </summary>
    public sealed class ListeningRule
    {
        private readonly TimeProvider _time;
        private readonly double _tailS;
        private readonly object _gate = new object();
        private int _readings;
        private double _readUntil = double.NegativeInfinity;

        /// <summary>A rule; <paramref name="tail"/> is how long a room rings after the loudspeaker's last word.</summary>
        public ListeningRule(TimeProvider? time = null, TimeSpan? tail = null)
        {
            _time = time ?? TimeProvider.System;
            _tailS = (tail ?? TimeSpan.FromMilliseconds(250)).TotalSeconds;
        }

        /// <summary>Sound comes out beside the ear only.</summary>
        public bool HeadsetOn { get; set; }

        /// <summary>The platform's voice processing takes out what the loudspeaker says.</summary>
        public bool EchoCancelled { get; set; }

        /// <summary>The microphone's sound may be passed on.</summary>
        public bool MayListen
        {
            get
            {
                lock (_gate)
                {
                    return HeadsetOn || EchoCancelled || (_readings == 0 && Clock.Seconds(_time) >= _readUntil);
                }
            }
        }

        /// <summary>A reply begins to be read aloud: whoever plays a voice calls it.</summary>
        public void BeginReading()
        {
            lock (_gate)
            {
                _readings++;
            }
        }

        /// <summary>It has been read, or was stopped. One call for each <see cref="BeginReading"/>; more do nothing.</summary>
        public void EndReading()
        {
            lock (_gate)
            {
                if (_readings > 0 && --_readings == 0)
                {
                    _readUntil = Clock.Seconds(_time) + _tailS;
                }
            }
        }
    }
}
