#nullable enable
using System;
using System.Threading;
using System.Threading.Tasks;
using UnityEngine;

namespace Scenewright
{
    /// <summary>Where the server is. It holds no token: set <see cref="TokenProvider"/> at run time, so that no build has one.</summary>
    [CreateAssetMenu(menuName = "Scenewright/Connection", fileName = "ScenewrightConnection")]
    public sealed class ScenewrightConnection : ScriptableObject
    {
        [Tooltip("HOST:PORT. On a phone: the computer's address on the local network.")]
        [SerializeField] private string _address = ClientSettings.DefaultAddress;

        [SerializeField] private bool _tls;

        [Tooltip("PEM of the certificates to trust with TLS; none: the usual ones.")]
        [SerializeField] private TextAsset? _rootCertificates;

        [Tooltip("The model's name; empty: the server's first.")]
        [SerializeField] private string _model = string.Empty;

        [Min(1)]
        [SerializeField] private float _timeoutSeconds = 60;

        /// <summary>HOST:PORT.</summary>
        public string Address
        {
            get => _address;
            set => _address = value;
        }

        /// <summary>Gives the bearer token; asked before every call.</summary>
        public Func<CancellationToken, ValueTask<string?>>? TokenProvider { get; set; }

        /// <summary>Settings for a client on this platform.</summary>
        public ClientSettings ToSettings() => new ClientSettings
        {
            Address = _address.Trim(),
            Tls = _tls,
            Model = _model.Trim(),
            Timeout = TimeSpan.FromSeconds(_timeoutSeconds),
            Token = TokenProvider,
            CreateHandler = HttpHandlers.ForThisPlatform(_tls, _rootCertificates == null ? string.Empty : _rootCertificates.text),
            Warn = message => Debug.LogWarning($"Scenewright: {message}"),
            UnhandledError = Debug.LogException,
        };
    }
}
