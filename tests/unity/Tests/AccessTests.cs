#nullable enable
using System;
using System.IO;
using System.Net.Http;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading.Tasks;
using NUnit.Framework;

namespace Scenewright.Tests
{
    /// <summary>The real server with TLS and tokens: who is let in, and what the others are told.</summary>
    internal sealed class AccessTests
    {
        private const string Token = "open sesame";
        private readonly string _folder = Path.Combine(Path.GetTempPath(), $"scenewright-{Guid.NewGuid()}");
        private X509Certificate2 _certificate = null!;
        private PythonServer _server = null!;

        [OneTimeSetUp]
        public async Task StartAsync()
        {
            Directory.CreateDirectory(_folder);
            _certificate = Certificates.Make();
            using var key = _certificate.GetRSAPrivateKey()!;
            var sum = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(Token)));
            var certificate = Write("certificate.pem", _certificate.ExportCertificatePem());
            var options = $"--tls-certificate {certificate} --tls-key {Write("key.pem", key.ExportPkcs8PrivateKeyPem())}";
            var tokens = Write("tokens", $"{sum.ToLowerInvariant()}  a test\n");
            _server = await PythonServer.StartAsync($"{options} --tokens {tokens}", settings => Admit(settings, Token));
        }

        [OneTimeTearDown]
        public async Task StopAsync()
        {
            await _server.DisposeAsync();
            _certificate.Dispose();
            Directory.Delete(_folder, recursive: true);
        }

        [Test]
        public async Task The_right_token_is_let_in()
        {
            using var client = Client(Token);
            Assert.That(await client.ListModelsAsync(), Is.Not.Empty);
            var frame = Frame.FromFile(await File.ReadAllBytesAsync(PythonServer.Example("living_room.jpg")));
            await using var talk = await client.ConverseAsync(new ConversationSetup { Frame = frame });
            Assert.That(await Talking.AnswerAsync(talk, "what do you see"), Is.Not.Empty);
        }

        [TestCase("open barley")]
        [TestCase(null)]
        public async Task A_wrong_token_and_none_are_refused_for_calls_and_conversations(string? token)
        {
            using var client = Client(token);
            var call = await Talking.FailureAsync<AccessException>(() => client.ListModelsAsync());
            var talk = await Talking.FailureAsync<AccessException>(() => client.ConverseAsync(new ConversationSetup()));
            Assert.That(new[] { call.Reason, talk.Reason }, Is.All.EqualTo("UNAUTHENTICATED"));
        }

        [TestCase(true)]
        [TestCase(false)]
        public async Task A_client_that_does_not_trust_the_certificate_or_speaks_no_TLS_is_told_of_TLS(bool tls)
        {
            var settings = new ClientSettings { Address = _server.Address, Tls = tls, MaxAttempts = 1 };
            using var client = new ScenewrightClient(settings);
            var error = await Talking.FailureAsync<ScenewrightException>(() => client.ListModelsAsync());
            Assert.That(error.Message, Does.Contain("TLS").And.Contain(_server.Address));
        }

        private ScenewrightClient Client(string? token)
        {
            var settings = new ClientSettings { Address = _server.Address };
            Admit(settings, token);
            return new ScenewrightClient(settings);
        }

        /// <summary>Trust the server's certificate, and it alone.</summary>
        private void Admit(ClientSettings settings, string? token)
        {
            settings.Tls = true;
            settings.Token = _ => new ValueTask<string?>(token);
            settings.CreateHandler = () =>
            {
                var handler = new SocketsHttpHandler();
                handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => _certificate.Equals(shown);
                return handler;
            };
        }

        private string Write(string name, string text)
        {
            var path = Path.Combine(_folder, name);
            File.WriteAllText(path, text);
            return path;
        }
    }
}
