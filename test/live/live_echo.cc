#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

// A service for live tests: accepts TCP connections and answers UDP datagrams with themselves, at
// WEIR_ADDRESS and WEIR_PORT.
int main() {
  const char* address = std::getenv("WEIR_ADDRESS");
  const char* port = std::getenv("WEIR_PORT");
  if (address == nullptr || port == nullptr || std::getenv("WEIR_SITE") == nullptr ||
      std::getenv("WEIR_RUN") == nullptr) {
    std::fprintf(stderr, "the environment does not say where to listen\n");
    return 2;
  }
  sockaddr_in6 own{};
  own.sin6_family = AF_INET6;
  own.sin6_port = htons(static_cast<uint16_t>(std::atoi(port)));
  inet_pton(AF_INET6, address, &own.sin6_addr);
  const int tcp = socket(AF_INET6, SOCK_STREAM, 0);
  const int udp = socket(AF_INET6, SOCK_DGRAM, 0);
  const auto* to = reinterpret_cast<const sockaddr*>(&own);
  if (bind(tcp, to, sizeof own) != 0 || bind(udp, to, sizeof own) != 0 || listen(tcp, 16) != 0) {
    std::perror("listen");
    return 1;
  }
  std::printf("listening on [%s]:%s at %s\n", address, port, std::getenv("WEIR_SITE"));
  std::fflush(stdout);
  while (true) {
    pollfd fds[] = {{tcp, POLLIN, 0}, {udp, POLLIN, 0}};
    if (poll(fds, 2, -1) < 0) return 1;
    if (fds[0].revents != 0) close(accept(tcp, nullptr, nullptr));
    if (fds[1].revents == 0) continue;
    char buffer[2048];
    sockaddr_in6 from{};
    socklen_t length = sizeof from;
    const ssize_t n = recvfrom(udp, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (n > 0) sendto(udp, buffer, static_cast<size_t>(n), 0, reinterpret_cast<sockaddr*>(&from), length);
  }
}
