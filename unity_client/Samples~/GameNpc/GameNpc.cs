using Scenewright;
using UnityEngine;

namespace Scenewright.Samples
{
    /// <summary>A figure that answers about what the mouse points at. Put it beside a Scene Speaker and a Scene Pointer.</summary>
    [RequireComponent(typeof(SceneSpeaker), typeof(ScenePointer), typeof(SceneGraphSync))]
    public sealed class GameNpc : MonoBehaviour
    {
        [TextArea] [SerializeField] private string _persona = "You are a grumpy dwarf who guards this hall. Be brief.";

        private SceneSpeaker _speaker;
        private ScenePointer _pointer;
        private string _question = "what is this";
        private string _answer = string.Empty;

        private void Awake()
        {
            (_speaker, _pointer) = (GetComponent<SceneSpeaker>(), GetComponent<ScenePointer>());
            _speaker.SetPersona(_persona);
        }

        private void Update()
        {
            var camera = Camera.main;
            _pointer.Point(camera == null ? (Ray?)null : camera.ScreenPointToRay(Input.mousePosition));
        }

        private void OnGUI()
        {
            _question = GUI.TextField(new Rect(20, 20, 400, 24), _question);
            if (GUI.Button(new Rect(430, 20, 80, 24), "Ask"))
            {
                _speaker.Quietly(async () => _answer = (await _speaker.AskAsync(_question)).Text);
            }

            GUI.Label(new Rect(20, 52, 490, 120), _answer);
        }
    }
}
