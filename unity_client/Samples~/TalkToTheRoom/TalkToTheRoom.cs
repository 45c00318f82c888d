using Scenewright;
using UnityEngine;

namespace Scenewright.Samples
{
    /// <summary>Hold the screen to speak; let go to hear. Put it beside a Scene Speaker with push to talk.</summary>
    [RequireComponent(typeof(SceneSpeaker), typeof(MicrophoneSource))]
    public sealed class TalkToTheRoom : MonoBehaviour
    {
        private SceneSpeaker _speaker;
        private string _shown = "Hold the screen and ask.";

        private void Awake()
        {
            _speaker = GetComponent<SceneSpeaker>();
            _speaker.Events.Heard.AddListener(words => _shown = words + "\n");
            _speaker.Events.Words.AddListener(words => _shown += words);
            _speaker.Events.Problem.AddListener(problem => _shown = problem);
        }

        private void Update()
        {
            if (Input.GetMouseButtonDown(0))
            {
                _speaker.StartListening();
            }
            else if (Input.GetMouseButtonUp(0))
            {
                _speaker.StopListening();
            }
        }

        private void OnGUI() => GUI.Label(new Rect(20, 20, Screen.width - 40, 200), $"[{_speaker.State}] {_shown}");
    }
}
