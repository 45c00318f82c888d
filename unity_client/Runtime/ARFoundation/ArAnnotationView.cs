#nullable enable
using System.Collections.Generic;
using UnityEngine;
using UnityEngine.XR.ARFoundation;
using UnityEngine.XR.ARSubsystems;

namespace Scenewright
{
    /// <summary>
    /// Labels in the real room: placed where the ray through the frame meets a plane, the depth or a collider, and held there by
    /// an anchor. Rays and poses are the world's, so a moved XR Origin changes nothing.
    /// </summary>
    [AddComponentMenu("Scenewright/AR Annotation View")]
    public sealed class ArAnnotationView : AnnotationView
    {
        private const TrackableType Surfaces =
            TrackableType.PlaneWithinPolygon | TrackableType.Depth | TrackableType.FeaturePoint;

        [SerializeField] private ARRaycastManager? _raycasts;

        private readonly List<ARRaycastHit> _hits = new List<ARRaycastHit>();

        /// <inheritdoc/>
        protected override Pose? Meet(Ray ray)
        {
            var virtually = base.Meet(ray);
            if (_raycasts == null || !_raycasts.Raycast(ray, _hits, Surfaces))
            {
                return virtually;
            }

            var really = _hits[0].pose;
            var nearer = virtually is { } pose
                && (pose.position - ray.origin).sqrMagnitude < (really.position - ray.origin).sqrMagnitude;
            return nearer ? virtually : new Pose(really.position, Quaternion.LookRotation(-ray.direction));
        }

        /// <inheritdoc/>
        protected override GameObject Place(Pose pose, GameObject prefab)
        {
            var label = Instantiate(prefab, pose.position, pose.rotation);
            label.AddComponent<ARAnchor>();
            return label;
        }
    }
}
