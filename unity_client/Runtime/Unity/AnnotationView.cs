#nullable enable
using System.Collections.Generic;
using UnityEngine;

namespace Scenewright
{
    /// <summary>
    /// Shows the labels of an answer where the things are: at the scene object, or where the ray meets something that goes
    /// through the label's place in the frame, from the pose that the camera had then.
    /// </summary>
    [AddComponentMenu("Scenewright/Annotation View")]
    [RequireComponent(typeof(SceneSpeaker))]
    public class AnnotationView : MonoBehaviour
    {
        [Tooltip("Is put at each place; a TextMesh in it gets the words.")]
        [SerializeField] private GameObject? _labelPrefab;

        [Tooltip("Where the ray meets nothing, the label is so far away, metres.")]
        [Range(0.3f, 10)] [SerializeField] private float _fallbackDistance = 2;

        private readonly Dictionary<string, GameObject> _labels = new Dictionary<string, GameObject>();

        /// <summary>The speaker whose answers are shown.</summary>
        protected SceneSpeaker Speaker { get; private set; } = null!;

        /// <summary>Take all labels away.</summary>
        public void Clear()
        {
            foreach (var label in _labels.Values)
            {
                Remove(label);
            }

            _labels.Clear();
        }

        /// <summary>Where the ray meets the room; null if it meets nothing. AR's overrides it.</summary>
        protected virtual Pose? Meet(Ray ray) =>
            Physics.Raycast(ray, out var hit) ? new Pose(hit.point, Quaternion.LookRotation(-ray.direction)) : (Pose?)null;

        /// <summary>Put a label at a place in the world; AR's holds it by an anchor.</summary>
        protected virtual GameObject Place(Pose pose, GameObject prefab) =>
            Instantiate(prefab, pose.position, pose.rotation, transform);

        /// <summary>Take a label away.</summary>
        protected virtual void Remove(GameObject label)
        {
            if (label != null)
            {
                Destroy(label);
            }
        }

        private void Awake() => Speaker = GetComponent<SceneSpeaker>();

        private void OnEnable() => Speaker.Happened += Take;

        private void OnDisable()
        {
            Speaker.Happened -= Take;
            Clear();
        }

        private void Take(LiveEvent said)
        {
            if (said is ResponseStarted)
            {
                Clear();
            }
            else if (said is Annotated annotated && _labelPrefab != null && WhereIs(annotated.Annotation) is { } pose)
            {
                Show(annotated.Annotation, pose, _labelPrefab);
            }
        }

        private void Show(Annotation annotation, Pose pose, GameObject prefab)
        {
            if (_labels.TryGetValue(annotation.Id, out var old))
            {
                Remove(old);
            }

            var label = Place(pose, prefab);
            _labels[annotation.Id] = label;
            var text = label.GetComponentInChildren<TextMesh>();
            if (text != null)
            {
                text.text = annotation.Label;
            }
        }

        private Pose? WhereIs(Annotation annotation)
        {
            if (annotation.ObjectId.Length > 0)
            {
#if UNITY_6000_4_OR_NEWER
                var things = FindObjectsByType<SceneThing>();
#else
                var things = FindObjectsByType<SceneThing>(FindObjectsSortMode.None);
#endif
                foreach (var thing in things)
                {
                    if (thing.Id == annotation.ObjectId)
                    {
                        return new Pose(thing.Read().Pose.Position.ToUnity(), thing.transform.rotation);
                    }
                }
            }

            if (!(annotation.Spot is { } spot) || !(Speaker.Poses.Find(annotation.FrameId) is { } capture))
            {
                return null;
            }

            var ray = Lifting.RayThrough(spot, capture).ToUnity();
            return Meet(ray) ?? new Pose(ray.GetPoint(_fallbackDistance), Quaternion.LookRotation(-ray.direction));
        }
    }
}
