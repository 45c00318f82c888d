#nullable enable
using System;
using System.Collections.Generic;
using System.Linq;
using UnityEngine;

namespace Scenewright
{
    /// <summary>Marks a GameObject as a thing that answers may speak of. Place and size are read from it and its children.</summary>
    [AddComponentMenu("Scenewright/Scene Thing")]
    [DisallowMultipleComponent]
    public sealed class SceneThing : MonoBehaviour
    {
        [Tooltip("Unique in the scene; empty: made from the label.")]
        [SerializeField] private string _id = string.Empty;

        [Tooltip("What it is called, in words; empty: the GameObject's name.")]
        [SerializeField] private string _label = string.Empty;

        [SerializeField] private string[] _aliases = Array.Empty<string>();
        [TextArea] [SerializeField] private string _description = string.Empty;
        [SerializeField] private SceneFact[] _facts = Array.Empty<SceneFact>();

        private readonly List<MeshBounds> _meshes = new List<MeshBounds>();
        private Renderer[]? _renderers;
        private bool _warned;

        /// <summary>The anchor it hangs on, if it has one.</summary>
        public string AnchorId { get; set; } = string.Empty;

        /// <summary>Its name in the scene graph.</summary>
        public string Id => _id.Length > 0 ? _id : $"{Label}-{Mathf.Abs(GetInstanceID())}";

        /// <summary>What it is called.</summary>
        public string Label
        {
            get => _label.Length > 0 ? _label : name;
            set => _label = value;
        }

        /// <summary>Its renderers have changed: look for them anew.</summary>
        public void Rescan() => _renderers = null;

        /// <summary>The thing as the server takes it, where it is now.</summary>
        public SceneObject Read()
        {
            _renderers ??= GetComponentsInChildren<Renderer>();
            _meshes.Clear();
            foreach (var item in _renderers)
            {
                if (item != null && item.enabled)
                {
                    var bounds = item.localBounds;
                    _meshes.Add(new MeshBounds(
                        bounds.center.ToScenewright(), bounds.size.ToScenewright(), UnityConversions.MapOf(item.transform)));
                }
            }

            var place = UnityConversions.WorldPoseOf(transform);
            var box = ObjectBounds.Around(_meshes, place.Rotation, out var extents);
            var flat = box == null || extents.Length <= 0;
            if (flat && !_warned)
            {
                _warned = true;
                Debug.LogWarning($"Scenewright: '{name}' has no renderer of any size; it is told as a point", this);
            }

            return new SceneObject(Id, Label, box ?? place)
            {
                Extents = flat ? (Vec3?)null : extents,
                AnchorId = AnchorId,
                Aliases = _aliases,
                Description = _description,
                Facts = _facts.Where(fact => fact.Key.Length > 0).Select(fact => fact.Read()).ToArray(),
            };
        }
    }

    /// <summary>A fact in the Inspector: "price", "24 EUR".</summary>
    [Serializable]
    public sealed class SceneFact
    {
        [SerializeField] private string _key = string.Empty;
        [SerializeField] private string _value = string.Empty;

        /// <summary>What it says.</summary>
        public string Key => _key;

        /// <summary>The fact; a number where it reads as one.</summary>
        public Fact Read() => Fact.Read(_key, _value);
    }
}
