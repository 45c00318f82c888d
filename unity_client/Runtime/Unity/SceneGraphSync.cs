#nullable enable
using System.Collections.Generic;
using UnityEngine;

namespace Scenewright
{
    /// <summary>Tells a speaker's conversation which things there are: all of them at first, then what has changed.</summary>
    [AddComponentMenu("Scenewright/Scene Graph Sync")]
    [RequireComponent(typeof(SceneSpeaker))]
    public sealed class SceneGraphSync : MonoBehaviour
    {
        [Tooltip("Changes told a second, at most.")]
        [Range(0.1f, 10)] [SerializeField] private float _updatesPerSecond = 2;

        [Tooltip("Things that the model takes, at most.")]
        [Min(1)] [SerializeField] private int _maxThings = 512;

        private readonly HashSet<string> _said = new HashSet<string>();
        private SceneDiff _diff = new SceneDiff();
        private SceneSpeaker _speaker = null!;
        private float _dueAt;

        /// <summary>What was left out, and why; empty if nothing was.</summary>
        public IReadOnlyCollection<string> Problems => _said;

        /// <summary>The things that there are now, as a scene that can be described.</summary>
        public SceneGraph Snapshot() => new SceneGraph(Read());

        private void Awake() => _speaker = GetComponent<SceneSpeaker>();

        private void OnEnable()
        {
            _speaker.Began += TellAll;
            if (_speaker.Conversation is { } talk)
            {
                TellAll(talk);
            }
        }

        private void OnDisable() => _speaker.Began -= TellAll;

        private void Update()
        {
            if (Time.unscaledTime >= _dueAt && _speaker.Conversation is { } talk)
            {
                _dueAt = Time.unscaledTime + (1 / _updatesPerSecond);
                if (_diff.Delta(Read()) is { } delta)
                {
                    _speaker.Quietly(async () => await talk.SendSceneAsync(delta));
                }
            }
        }

        private void TellAll(Conversation talk)
        {
            _diff = new SceneDiff();
            var scene = _diff.Snapshot(Read());
            _dueAt = Time.unscaledTime + (1 / _updatesPerSecond);
            _speaker.Quietly(async () => await talk.SendSceneAsync(scene));
        }

        private IReadOnlyList<SceneObject> Read()
        {
            var (objects, problems) = (new List<SceneObject>(), new List<string>());
#if UNITY_6000_4_OR_NEWER
            var things = FindObjectsByType<SceneThing>();
#else
            var things = FindObjectsByType<SceneThing>(FindObjectsSortMode.InstanceID);
#endif
            foreach (var thing in things)
            {
                objects.Add(thing.Read());
            }

            var kept = SceneDiff.Sift(objects, _maxThings, problems);
            foreach (var problem in problems)
            {
                if (_said.Add(problem))
                {
                    Debug.LogWarning($"Scenewright: {problem}", this);
                }
            }

            return kept;
        }
    }
}
