#nullable enable
using System;
using System.Net.Http;

namespace Scenewright
{
    /// <summary>
    /// What speaks HTTP/2 on this platform: YetAnotherHttpHandler where it is installed, else Unity's own, which is looked for at
    /// run time because only Unity 6000.5 and later have it.
    /// </summary>
    public static class HttpHandlers
    {
        private const string UnityOwn = "UnityEngine.Networking.UnityHttpMessageHandler, UnityEngine.UnityWebRequestModule";

        /// <summary>The factory for <see cref="ClientSettings.CreateHandler"/>; null where nothing speaks HTTP/2.</summary>
        /// <param name="tls">The connection speaks TLS.</param>
        /// <param name="rootCertificates">
        /// PEM of the certificates to trust; empty for the usual ones. Unity's own handler trusts the system's alone.
        /// </param>
        public static Func<HttpMessageHandler>? ForThisPlatform(bool tls, string rootCertificates = "")
        {
#if SCENEWRIGHT_YAHA
            return () => new Cysharp.Net.Http.YetAnotherHttpHandler
            {
                Http2Only = true,
                RootCertificates = tls && rootCertificates.Length > 0 ? rootCertificates : null,
            };
#else
            _ = rootCertificates;
            return FromType(Type.GetType(UnityOwn), tls);
#endif
        }

        /// <summary>A handler like Unity's, by its type; without TLS HTTP/2 must be forced, as nothing negotiates it.</summary>
        internal static Func<HttpMessageHandler>? FromType(Type? handler, bool tls)
        {
            var version = handler?.GetProperty("HttpForcedVersion");
            return version == null
                ? (Func<HttpMessageHandler>?)null
                : () =>
                {
                    var made = (HttpMessageHandler)Activator.CreateInstance(handler!)!;
                    version.SetValue(made, Enum.Parse(version.PropertyType, tls ? "NotForced" : "HTTP2"));
                    return made;
                };
        }
    }
}
