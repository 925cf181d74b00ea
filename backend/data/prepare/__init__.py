"""Raw videos and folders of pictures into stores."""
