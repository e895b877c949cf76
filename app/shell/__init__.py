"""The window itself: sidebar, menus, status strip, and one window a library."""
