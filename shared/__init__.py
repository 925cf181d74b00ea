"""What the add-on and the backend both know: protocol, client, parameters, cameras.

Imports only the standard library, numpy and pyzmq, so that it loads inside any Blender.
"""
