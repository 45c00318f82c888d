#nullable enable
using UnityEngine;

namespace Scenewright
{
    /// <summary>
    /// Tells a speaker's conversation what the user points at, along the forward axis of a transform: the camera for gaze, a hand
    /// or a controller. <see cref="Point"/> takes any other ray, such as a mouse's.
    /// </summary>
    [AddComponentMenu("Scenewright/Scene Pointer")]
    [RequireComponent(typeof(SceneSpeaker))]
    public sealed class ScenePointer : MonoBehaviour
    {
        private const float MoveTolerance = 0.02f;
        private const float TurnTolerance = 0.02f;

        [Tooltip("Its forward axis points. Empty: only what Point is called with counts.")]
        [SerializeField] private Transform? _pointsAlong;

        [SerializeField] private PointerKind _kind = PointerKind.Gaze;
        [Range(1, 20)] [SerializeField] private float _updatesPerSecond = 5;

        private SceneSpeaker _speaker = null!;
        private Conversation? _toldTo;
        private WorldRay? _told;
        private WorldRay? _ray;
        private float _dueAt;

        /// <summary>Point along a ray; null: at nothing any more.</summary>
        public void Point(Ray? ray) => _ray = ray?.ToScenewright();

        private void Awake() => _speaker = GetComponent<SceneSpeaker>();

        private void Update()
        {
            if (_pointsAlong != null)
            {
                _ray = new Ray(_pointsAlong.position, _pointsAlong.forward).ToScenewright();
            }

            if (Time.unscaledTime < _dueAt || !(_speaker.Conversation is { } talk) || (talk == _toldTo && !Differs()))
            {
                return;
            }

            _dueAt = Time.unscaledTime + (1 / _updatesPerSecond);
            var (ray, kind) = (_ray, _kind);
            (_told, _toldTo) = (ray, talk);
            _speaker.Quietly(async () => await talk.SendPointerAsync(ray, kind));
        }

        private bool Differs()
        {
            if (!(_ray is { } now) || !(_told is { } before))
            {
                return _ray.HasValue != _told.HasValue;
            }

            return (now.Origin - before.Origin).Length > MoveTolerance
                || (now.Direction - before.Direction).Length > TurnTolerance;
        }
    }
}
