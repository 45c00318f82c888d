#nullable enable
using System;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Scenewright.Tests
{
    /// <summary>A certificate that nobody trusts.</summary>
    internal static class Certificates
    {
        public static X509Certificate2 Make()
        {
            using var key = RSA.Create(2048);
            var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            var now = DateTimeOffset.UtcNow;
            using var made = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
            return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null, X509KeyStorageFlags.Exportable);
        }
    }
}
