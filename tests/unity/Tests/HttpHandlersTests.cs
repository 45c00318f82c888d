#nullable enable
using System.Net.Http;
using NUnit.Framework;

namespace Scenewright.Tests
{
    /// <summary>Unity's own handler, found by name; a type with the same members stands for it here.</summary>
    internal sealed class HttpHandlersTests
    {
        /// <summary>As in Unity 6000.5.</summary>
        internal enum HttpForcedVersion
        {
            NotForced,
            HTTP2 = 3,
        }

        [TestCase(true, HttpForcedVersion.NotForced)]
        [TestCase(false, HttpForcedVersion.HTTP2)]
        public void Without_TLS_the_second_version_of_HTTP_is_forced(bool tls, object expected)
        {
            var make = HttpHandlers.FromType(typeof(UnityLike), tls)!;
            using var made = (UnityLike)make();
            using var another = make();
            Assert.That(made.HttpForcedVersion, Is.EqualTo(expected));
            Assert.That(another, Is.Not.SameAs(made));
        }

        [Test]
        public void Where_Unity_has_none_or_another_there_is_none()
        {
            Assert.That(HttpHandlers.ForThisPlatform(tls: true), Is.Null);
            Assert.That(HttpHandlers.FromType(typeof(HttpClientHandler), tls: true), Is.Null);
        }

        internal sealed class UnityLike : DelegatingHandler
        {
            public HttpForcedVersion HttpForcedVersion { get; set; } = (HttpForcedVersion)(-1);
        }
    }
}
