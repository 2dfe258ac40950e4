/* `bcryptprimitives.dll`, which Rust's standard library takes its random numbers from and Wine 8 does not have. Without
   it a program ends with status 53 and says nothing. For tests under Wine only. */
#include <windows.h>

/* The system's generator, under the only name that its library exports. */
BOOLEAN WINAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    while (length > 0) {
        ULONG part = length > 0x10000000 ? 0x10000000 : (ULONG)length;
        if (!SystemFunction036(buffer, part))
            return FALSE;
        buffer += part;
        length -= part;
    }
    return TRUE;
}
