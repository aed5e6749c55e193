// The 3D viewer wants a script from somewhere before it decodes meshes; the decoder itself is part of the viewer's own chunk.
