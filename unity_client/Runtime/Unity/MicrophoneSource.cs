#nullable enable
using System.Collections;
using UnityEngine;

namespace Scenewright
{
    /// <summary>
    /// Sends what the microphone hears to a speaker's conversation. While a reply is read aloud it sends silence, unless a
    /// headset is on or the platform takes the echo out; see <see cref="SceneSpeaker.Listening"/>.
    /// </summary>
    [AddComponentMenu("Scenewright/Microphone Source")]
    [RequireComponent(typeof(SceneSpeaker))]
    public sealed class MicrophoneSource : MonoBehaviour
    {
        private const int BufferSeconds = 2;
        private const int RateHz = 16_000;
        private const float PatienceSeconds = 2;

        [Tooltip("Empty: the default microphone.")]
        [SerializeField] private string _device = string.Empty;

        private SceneSpeaker _speaker = null!;
        private AudioClip? _clip;
        private MicrophoneFeed? _feed;
        private Coroutine? _starting;
        private MicrophoneState _said;
        private float[] _samples = new float[0];
        private int _readTo;
        private float _heardAt;

        /// <summary>How the microphone stands.</summary>
        public MicrophoneState State { get; private set; }

        private string? Device => _device.Length > 0 ? _device : null;

        private void Awake() => _speaker = GetComponent<SceneSpeaker>();

        private void OnDisable() => Stop(MicrophoneState.Off);

        private void OnApplicationPause(bool paused)
        {
            if (paused)
            {
                Stop(MicrophoneState.Off);
            }
        }

        private void Update()
        {
            var wanted = _speaker.IsListening && _speaker.Conversation != null;
            if (!wanted)
            {
                Stop(MicrophoneState.Off);
            }
            else if (_clip != null)
            {
                Read(_clip);
            }
            else if (_starting == null && State == MicrophoneState.Off)
            {
                _starting = StartCoroutine(Begin());
            }
        }

        private IEnumerator Begin()
        {
            Show(MicrophoneState.Starting, string.Empty);
#if UNITY_ANDROID && !UNITY_EDITOR
            if (!UnityEngine.Android.Permission.HasUserAuthorizedPermission(UnityEngine.Android.Permission.Microphone))
            {
                UnityEngine.Android.Permission.RequestUserPermission(UnityEngine.Android.Permission.Microphone);
                yield return new WaitForSecondsRealtime(0.5f);
                yield return new WaitUntil(() => Application.isFocused);
            }

            var allowed = UnityEngine.Android.Permission.HasUserAuthorizedPermission(UnityEngine.Android.Permission.Microphone);
#else
            yield return Application.RequestUserAuthorization(UserAuthorization.Microphone);
            var allowed = Application.HasUserAuthorization(UserAuthorization.Microphone);
#endif
            _starting = null;
            if (!allowed)
            {
                Show(MicrophoneState.PermissionDenied, "the user does not allow the microphone");
                yield break;
            }

            if (Microphone.devices.Length == 0)
            {
                Show(MicrophoneState.DeviceGone, "there is no microphone");
                yield break;
            }

            Microphone.GetDeviceCaps(Device, out var lowest, out var highest);
            var rate = highest == 0 ? RateHz : Mathf.Clamp(RateHz, lowest, highest);
            _clip = Microphone.Start(Device, true, BufferSeconds, rate);
            if (_clip == null)
            {
                Show(MicrophoneState.DeviceGone, $"the microphone '{_device}' does not start");
                yield break;
            }

            var talk = _speaker.Conversation;
            _feed = new MicrophoneFeed(rate, _clip.channels, RateHz, _speaker.Listening, block =>
            {
                var copy = block.ToArray();
                _speaker.Quietly(async () => await talk!.SendAudioAsync(copy));
            });
            (_readTo, _heardAt) = (0, Time.unscaledTime);
        }

        private void Read(AudioClip clip)
        {
            var at = Microphone.GetPosition(Device);
            var count = (at - _readTo + clip.samples) % clip.samples;
            if (count > 0)
            {
                _heardAt = Time.unscaledTime;
                if (_samples.Length != count * clip.channels)
                {
                    _samples = new float[count * clip.channels];
                }

                clip.GetData(_samples, _readTo);
                _readTo = at;
                _feed!.Push(_samples);
                Show(_feed.State, _feed.State == MicrophoneState.Flat ? "the microphone has been silent for 2 s: is it muted?" : string.Empty);
            }
            else if (!Microphone.IsRecording(Device) || Time.unscaledTime - _heardAt > PatienceSeconds)
            {
                Stop(MicrophoneState.DeviceGone);
                Show(MicrophoneState.DeviceGone, "the microphone is gone");
            }
        }

        private void Stop(MicrophoneState state)
        {
            if (_starting != null)
            {
                StopCoroutine(_starting);
                _starting = null;
            }

            if (_clip != null)
            {
                _feed?.Flush();
                Microphone.End(Device);
                Destroy(_clip);
                (_clip, _feed) = (null, null);
            }

            if (state != MicrophoneState.Off || !_speaker.IsListening)
            {
                Show(state, string.Empty);
            }
        }

        private void Show(MicrophoneState state, string why)
        {
            State = state;
            if (state != _said && why.Length > 0)
            {
                Debug.LogWarning($"Scenewright: {why}", this);
            }

            _said = state;
        }
    }
}
