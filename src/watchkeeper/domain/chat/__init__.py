"""What LINE, Telegram and Slack tell us of what people do in a chat, read without asking anybody."""
