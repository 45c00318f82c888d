#nullable enable
#pragma warning disable CS1591
namespace Cysharp.Net.Http
{
    /// <summary>As in YetAnotherHttpHandler 1.x: what the package uses of it.</summary>
    public sealed class YetAnotherHttpHandler : System.Net.Http.HttpMessageHandler
    {
        public bool? Http2Only { get; set; }

        public string? RootCertificates { get; set; }

        protected override System.Threading.Tasks.Task<System.Net.Http.HttpResponseMessage> SendAsync(
            System.Net.Http.HttpRequestMessage request, System.Threading.CancellationToken cancellationToken) =>
            throw new System.NotSupportedException();
    }
}
