#nullable enable
using System;
using System.Net.Http;

namespace Scenewright
{
    /// <summary>What speaks HTTP/2 on this platform: YetAnotherHttpHandler, or Unity's own from 6000.5 on.</summary>
    public static class HttpHandlers
    {
        /// <summary>The factory for <see cref="ClientSettings.CreateHandler"/>; null where nothing speaks HTTP/2.</summary>
        /// <param name="tls">The connection speaks TLS.</param>
        /// <param name="rootCertificates">PEM of the certificates to trust; empty for the usual ones.</param>
        public static Func<HttpMessageHandler>? ForThisPlatform(bool tls, string rootCertificates = "")
        {
#if SCENEWRIGHT_YAHA
            return () => new Cysharp.Net.Http.YetAnotherHttpHandler
            {
                Http2Only = true,
                RootCertificates = tls && rootCertificates.Length > 0 ? rootCertificates : null,
            };
#elif UNITY_6000_5_OR_NEWER
            return () => new UnityEngine.Networking.UnityHttpMessageHandler
            {
                HttpForcedVersion = tls
                    ? UnityEngine.Networking.HttpForcedVersion.NotForced
                    : UnityEngine.Networking.HttpForcedVersion.HTTP2,
            };
#else
            _ = tls;
            _ = rootCertificates;
            return null;
#endif
        }
    }
}
