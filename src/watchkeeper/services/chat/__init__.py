"""Chats as a way in: doors that platforms post to, accounts linked to people, buttons, and what comes of them."""
