using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Scenewright.Core.Tests")]
